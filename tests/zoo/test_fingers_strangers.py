"""What carries a network over to strangers: hands cut out and folded, sleeves, temperature, films that are followed."""

import itertools
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from pipelines import Heard, built, moment, read, reader
from scipy.ndimage import rotate
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from kzoo.data.decoding import read_image
from kzoo.data.frames import Frame, Source
from kzoo.data.splits import ArraySplit
from kzoo.errors import DataError
from kzoo.models.saving import read_card
from kzoo.runs.configure import configure
from kzoo.training.run import train
from kzoo_zoo.fingers.augment import pasted
from kzoo_zoo.fingers.calibration import fitted_temperature, tempered, turned
from kzoo_zoo.fingers.closer import close_ups, parts_of
from kzoo_zoo.fingers.cutouts import Cutouts, cut_out
from kzoo_zoo.fingers.data import CLASS_NAMES, read_backgrounds
from kzoo_zoo.fingers.folding import fingers_of, folded_hands, without
from kzoo_zoo.fingers.following import Follower
from kzoo_zoo.fingers.framing import framed
from kzoo_zoo.fingers.pipeline import Fingers
from kzoo_zoo.fingers.sleeves import sleeved

WALL, SKIN = (150, 155, 160), (180, 120, 90)
TIPS = ((20, 34), (34, 12), (48, 8), (62, 12), (76, 34))


def hand(count=5):
    """A hand with its fingers apart, an arm below it."""
    picture = np.full((96, 96, 3), WALL, np.uint8)
    for tip in TIPS[:count]:
        cv2.line(picture, (48, 58), tip, SKIN, 6)
    cv2.circle(picture, (48, 58), 15, SKIN, -1)
    cv2.rectangle(picture, (40, 58), (56, 95), SKIN, -1)
    return picture


def is_skin(picture):
    return np.abs(picture.astype(int) - SKIN).max(-1) < 25


def test_a_hand_is_cut_out_with_its_palm_and_without_its_arm():
    found = cut_out(hand())
    assert ((found.alpha > 127) != is_skin(hand())).mean() < 0.005  # but for corners between fingers
    row, column, radius = found.palm
    assert (row, column) == pytest.approx((58, 48), abs=3)
    assert radius == pytest.approx(15, abs=2)
    assert 68 <= found.wrist <= 80
    top, left, bottom, right = found.box
    assert (top, left, right) == pytest.approx((5, 17, 79), abs=3)
    assert bottom == found.wrist
    assert cut_out(np.random.default_rng(0).integers(0, 256, (96, 96, 3)).astype(np.uint8)) is None


def test_hands_are_looked_for_once():
    known = Cutouts()
    first, second = known.of([hand(), hand(3)])
    again = known.of([hand(3), hand()])
    assert again[0] is second
    assert again[1] is first


@pytest.mark.parametrize("count", [3, 4, 5])
def test_as_many_fingers_are_found_as_stand_apart(count):
    fingers = fingers_of(cut_out(hand(count)), thin=0.4)
    assert len(fingers) == count
    tips = {tip for finger in fingers for tip in TIPS if finger[tip[1] - 1 : tip[1] + 3, tip[0] - 2 : tip[0] + 3].any()}
    assert tips == set(TIPS[:count])


def test_fingers_are_taken_away_whole_and_the_others_stay():
    images, counts = folded_hands(np.stack([hand()] * 3 + [hand(4)]), np.array([5, 5, 5, 4]), 8, seed=0)
    assert np.bincount(counts).tolist() == [8] * 5
    shown = np.array([[is_skin(image)[y + 2, x] for x, y in TIPS] for image in images])
    np.testing.assert_array_equal(shown.sum(1), counts)
    assert len({tuple(row) for row in shown[counts == 2]}) > 3  # not always the same two
    rows, columns = np.indices((96, 96))
    far = np.hypot(rows - 58, columns - 48) > 28  # a stump may stay: folded fingers have knuckles
    for image, row in zip(images, shown, strict=True):
        assert (is_skin(image)[60:] == is_skin(hand())[60:]).mean() > 0.99
        drawn = hand(0)
        for there, tip in zip(row, TIPS, strict=True):
            if there:
                cv2.line(drawn, (48, 58), tip, SKIN, 6)
        assert (is_skin(image) != is_skin(drawn))[far].sum() < 25
    again, _ = folded_hands(np.stack([hand()] * 3 + [hand(4)]), np.array([5, 5, 5, 4]), 8, seed=0)
    np.testing.assert_array_equal(images, again)


@pytest.mark.parametrize("reach", [0.0, 1.3, 1.6, 1.9])
def test_of_fingers_that_are_curled_as_much_stays_as_is_said(reach):
    found = cut_out(hand())
    row, column, radius = found.palm
    changed = without(hand(), found, fingers_of(found), range(5), stumps=reach)
    left = []
    for x, y in TIPS:
        way = np.array([y - row, x - column]) / np.hypot(y - row, x - column)
        rows, columns = np.rint(np.array([row, column]) + np.outer(np.arange(45), way)).astype(int).T
        left.append(np.flatnonzero(is_skin(changed)[rows, columns]).max() / radius)
    # Those in the middle are joined at their roots, which stay.
    assert left[::4] == pytest.approx([max(1.1, reach)] * 2, abs=0.15)
    assert left[1:4] == pytest.approx([max(1.5, reach)] * 3, abs=0.2)


def test_a_hand_that_does_not_show_what_its_label_says_is_left_alone():
    images, counts = folded_hands(np.stack([hand(4)]), np.array([5]), 8, seed=0)
    assert images.shape == (0, 96, 96, 3)
    assert len(counts) == 0


def test_a_sleeve_covers_the_arm_alone():
    found = cut_out(hand())
    changed = [sleeved(hand(), found, np.random.default_rng(seed))[0] for seed in range(20)]
    for image in changed:
        np.testing.assert_array_equal(image[:60], hand()[:60])
    assert sum((image[93, 48] != SKIN).any() for image in changed) == 20
    fist = np.full((96, 96, 3), WALL, np.uint8)
    cv2.circle(fist, (48, 48), 20, SKIN, -1)
    image, same = sleeved(fist, cut_out(fist), np.random.default_rng(0))
    assert image is fist
    assert same.wrist == 96


def test_a_training_that_begins_with_ease_ends_with_all_of_it():
    x = np.stack([hand()] * 8)
    train = ArraySplit(np.concatenate([x, np.full((1, 96, 96, 3), (0, 255, 0), np.uint8)]), np.array([6] * 8 + [0]))
    chosen = {"paste": 1.0, "rotation": 30.0, "strength": 0.0, "ramp": 100}
    augment = built(Fingers(), (96, 96, 3), 7, train=train, augment=chosen).augment
    green, larger = {}, {}
    for step in (0, 99, 500):
        found = augment(x, np.full(8, 6), moment([1, 2], step=step))[0].numpy()
        same = pasted(x, train.x[8:], seed=[1, 2], paste=1.0, rotation=30.0, share=min(1.0, (step + 1) / 100))
        np.testing.assert_array_equal(found, same)
        green[step] = ((found[..., 1] > 200) & (found[..., 0] < 60)).mean()
        larger[step] = is_skin(found).mean()
    assert green[0] < 0.1  # one in a hundred of them
    assert green[99] == green[500] > 0.4
    assert larger[0] > is_skin(hand()).mean()  # hands nearly fill the picture


def test_pictures_without_a_hand_become_backgrounds_as_often_as_hands_are_pasted():
    scenes = np.random.default_rng(0).integers(0, 60, (3, 96, 96, 3)).astype(np.uint8)
    x = np.stack([np.full((96, 96, 3), 200, np.uint8)] * 200)
    labels = np.repeat([0, 4], 100)
    bright = pasted(x, scenes, seed=[1, 2], labels=labels, paste=0.3).numpy().min((1, 2, 3)) > 100
    assert bright[100:].all()  # of these nobody says that they show no hand
    assert 0.15 < 1 - bright[:100].mean() < 0.45
    assert (pasted(x, None, seed=[1, 2], labels=labels, paste=0.3).numpy() > 100).all()
    assert (pasted(x, scenes, seed=[1, 2], paste=0.3).numpy() > 100).all()


def test_a_thumb_alone_is_mostly_held_up_and_other_fingers_are_those_that_people_show():
    picture, tips = hand(4), (*TIPS[:4], (86, 50))
    cv2.line(picture, (48, 58), tips[-1], SKIN, 7)
    images, counts = folded_hands(np.stack([picture]), np.array([5]), 30, seed=0)
    names = ("little", "ring", "middle", "index", "thumb")
    shown = ["".join(n for (x, y), n in zip(tips, names, strict=True) if is_skin(one)[y + 2, x]) for one in images]
    held_up = np.array([not is_skin(one)[-1, :60].any() and is_skin(one)[:, -1].any() for one in images])
    shares = {count: {name: shown[30 * count : 30 * count + 30].count(name) for name in shown} for count in range(5)}
    assert counts.tolist() == np.repeat(range(5), 30).tolist()
    assert set(np.flatnonzero(held_up) // 30) == {1}
    assert 0 < shares[1]["thumb"] <= held_up.sum() < 12
    for image in images[held_up]:
        rows, columns = np.nonzero(is_skin(image))
        assert abs(columns[rows == rows.min()].mean() - 48) < 25  # the thumb is above the palm
    usual = [["index"], ["middleindex", "indexthumb"], ["ringmiddleindex", "littleringmiddle", "middleindexthumb"]]
    for count, those in enumerate(usual, start=1):
        assert sum(shares[count][name] for name in those) > 12
    assert shares[4]["littleringmiddleindex"] > 12


def test_the_data_has_folded_hands_which_are_only_for_training(tmp_path):
    for count in range(6):
        folder = tmp_path / str(count)
        folder.mkdir()
        for number in range(6):
            picture = np.where(is_skin(hand(count))[..., None], SKIN, (60 + 25 * number, 150, 200))
            cv2.imwrite(str(folder / f"{number}.png"), picture[..., ::-1])
    plain = read(Fingers(), tmp_path, drawn=0, folded=0)
    more = read(Fingers(), tmp_path, drawn=0, folded=7)
    added = np.bincount(more.train.y, minlength=7) - np.bincount(plain.train.y, minlength=7)
    assert added.tolist() == [0, 7, 7, 7, 7, 7, 0]
    assert "35 folded ones added to train" in more.description
    np.testing.assert_array_equal(more.test.x, plain.test.x)


def test_backgrounds_are_read_from_all_folders_inside_and_named_where_they_are_none(tmp_path):
    for place in ("a/b/1.png", "a/2.png"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(tmp_path / place), np.full((30, 60, 3), 200, np.uint8))
    assert read_backgrounds([tmp_path / "a"]).shape == (2, 96, 96, 3)
    with pytest.raises(DataError, match=r"augment\.backgrounds.*nowhere"):
        read_backgrounds([tmp_path / "nowhere"])
    (tmp_path / "a" / "3.png").write_text("no picture")
    with pytest.raises(DataError, match=r"3\.png cannot be read"):
        read_backgrounds([tmp_path / "a"])


def test_the_temperature_is_that_of_the_logits_which_scipy_finds():
    rng = np.random.default_rng(0)
    logits, labels = 3 * rng.normal(size=(400, 7)), rng.integers(0, 7, 400)
    labels[:280] = logits[:280].argmax(1)
    probabilities = np.exp(log_softmax(logits, axis=1))
    for temperature in (0.5, 1.0, 3.0):
        expected = np.exp(log_softmax(logits / temperature, axis=1))
        np.testing.assert_allclose(tempered(probabilities, temperature), expected, atol=1e-5)
    rows = np.arange(400)
    best = minimize_scalar(lambda t: -log_softmax(logits / t, axis=1)[rows, labels].mean(), bounds=(0.2, 5))
    assert best.x > 1.5  # surer than right
    assert fitted_temperature(probabilities, labels) == pytest.approx(best.x, rel=0.01)


@pytest.mark.parametrize("together", [1, 3, 6])
def test_what_is_believed_is_the_sum_over_all_that_may_have_been_shown(together):
    rng = np.random.default_rng(1)
    frames = rng.dirichlet(np.ones(3), 6)
    follower = Follower(3, window=5)
    found = np.concatenate([follower.follow(frames[begin : begin + together])[0] for begin in range(0, 6, together)])
    heard = (0.99 * frames + 0.01 / 3) ** 0.75
    for place in range(6):
        known = together * (place // together + 1)  # the frames that had come when this one was answered
        likely = np.zeros(3)
        for path in itertools.product(range(3), repeat=known):
            weight = heard[0, path[0]]
            for step in range(1, known):
                weight *= (0.96 if path[step - 1] == path[step] else 0.02) * heard[step, path[step]]
            likely[path[place]] += weight
        np.testing.assert_allclose(found[place], likely / likely.sum(), rtol=1e-6)


class Film(Source):
    def __iter__(self):
        return iter(())


def counted(rows, **settings):
    """What is said of a film whose frames have these probabilities."""
    answers = iter(rows)

    def forward(inputs):
        found = np.stack([next(answers) for _ in range(len(inputs) // 6)])
        return np.tile(found, (6, 1))

    card = {"input_shape": [96, 96, 3], "class_names": list(CLASS_NAMES), **settings.pop("card", {})}
    counter = reader(Fingers(), forward, card, **settings)
    counter.start(Film("a film", "video"))
    black = np.zeros((96, 96, 3), np.uint8)
    found = []
    for begin in range(0, len(rows), 16):
        found += counter.predict([Frame(index=i, pixels=black) for i in range(begin, min(begin + 16, len(rows)))])
    return found


def noisy_film(seed, sure):
    """Five counts for 40 frames each, seen by a network that is now and then wrong, mostly for some frames on end."""
    rng = np.random.default_rng(seed)
    truth = np.repeat([6, 3, 1, 5, 0], 40)
    rows = []
    for label in truth:
        p = rng.dirichlet(np.full(7, 0.3)) * (1 - sure)
        p[label] += sure * rng.uniform(0.3, 1.7)
        rows.append(p / p.sum())
    return truth, np.stack(rows)


@pytest.mark.parametrize("sure", [0.35, 0.5, 0.7])
def test_the_vote_is_no_worse_than_its_frames_and_seldom_unsure(sure):
    voted, single, unsure = [], [], []
    for seed in range(4):
        truth, rows = noisy_film(seed, sure)
        found = counted(list(rows))
        voted += [one.state != "unsure" and one.index == label for one, label in zip(found, truth, strict=True)]
        single += (rows.argmax(1) == truth).tolist()
        unsure += [one.state == "unsure" for one in found]
    assert np.mean(single) > 0.5
    assert np.mean(voted) >= np.mean(single)
    assert np.mean(unsure) < 0.1


def test_frames_that_are_not_sure_are_heard_where_it_is_known_what_that_means():
    row = np.array([0.1, 0.1, 0.1, 0.4, 0.1, 0.1, 0.1])
    assert {one.state for one in counted([row] * 16)} == {"unsure"}
    found = counted([row] * 16, card={"temperature": 1.0})
    assert {one.count for one in found} == {2}
    assert {one.frame_label for one in found} == {""}


def test_a_network_is_as_sure_as_its_temperature_says():
    row = np.array([0.02, 0.02, 0.02, 0.7, 0.2, 0.02, 0.02])
    (plain,) = counted([row], window=1)
    (cooled,) = counted([row], window=1, card={"temperature": 2.0})
    assert plain.probability == pytest.approx(0.7)
    assert cooled.probability == pytest.approx(np.sqrt(0.7) / np.sqrt(row).sum(), abs=1e-5)
    assert (plain.state, cooled.state) == ("counting", "unsure")


def test_a_run_stores_its_temperature_in_both_of_its_models(tmp_path):
    options = ["train.keep=best", "data.per_class=16", "model.widths=[4,8]", "report=false"]
    config = configure("fingers", recipe="quick", data="sample", epochs=1, options=options)
    run = train(config, root=tmp_path, listener=Heard()).run
    stored = [read_card(path).own.get("temperature") for path in (run.model_path, run.best_path)]
    assert stored[0] == stored[1]
    assert 0.2 <= stored[0] <= 5
    assert stored[0] != 1.0


@pytest.mark.skipif("KZOO_TEST_DATA" not in os.environ, reason="KZOO_TEST_DATA names no folder of real data")
def test_hands_of_a_camera_are_cut_out_and_their_fingers_found():
    root = Path(os.environ["KZOO_TEST_DATA"]) / "fingers_webcam"
    if not root.is_dir():
        pytest.skip(f"{root} is not there")
    for count, least in ((2, 0.9), (3, 0.8)):
        hands = [cut_out(framed(read_image(path), (96, 96))) for path in sorted((root / str(count)).iterdir())[:40]]
        assert all(found is not None for found in hands)
        assert np.mean([len(fingers_of(found)) == count for found in hands]) > least


def sees_red(inputs):
    """A network that sees as surely a hand as there is red in the picture, and three fingers in the middle."""
    red = (inputs[..., 0] > 200) & (inputs[..., 1] < 60)
    found = np.full((len(inputs), 7), 0.01)
    found[:, 0] = 1 - np.minimum(1, red.mean((1, 2)) / 0.04)
    middle = red[:, 40:56, 40:56].mean((1, 2)) > 0.5
    found[np.arange(len(inputs)), np.where(middle, 4, 6)] = 1 - found[:, 0]
    return found / found.sum(1, keepdims=True)


def in_six_ways(picture):
    """What is seen of a picture that SciPy turns, and of its mirror images."""
    turned = [rotate(picture, angle, reshape=False, order=1, mode="nearest") for angle in (0, 20, -20)]
    return sees_red(np.stack([*turned, *(one[:, ::-1] for one in turned)])).mean(0)


def test_pictures_are_turned_about_their_middles_as_scipy_turns_them():
    picture = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (96, 80, 3)).astype(np.uint8), (0, 0), 2)
    for angle in (20.0, -7.5):
        (found,) = turned(picture[None], angle)
        expected = rotate(picture, angle, reshape=False, order=1, mode="nearest")
        assert np.abs(found.astype(int) - expected).max() <= 3  # OpenCV knows places to 1/32 of a pixel


@pytest.mark.parametrize("shape", [(480, 640), (852, 480), (400, 1200)])
def test_parts_cover_the_frame_and_are_large(shape):
    covered = np.zeros(shape, int)
    for y, x, rows, columns in parts_of(*shape):
        assert columns / rows == pytest.approx(4 / 3 if shape[1] > shape[0] else 3 / 4)
        covered[round(y) : round(y + rows), round(x) : round(x + columns)] += 1
    assert covered.min() >= 1
    assert rows * columns > 0.3 * min(shape) ** 2


@pytest.mark.parametrize("place", [(100, 140), (240, 320), (380, 560)])
def test_the_hand_is_in_the_middle_of_what_is_looked_at_from_nearer(place):
    frame = np.full((480, 640, 3), 90, np.uint8)
    cv2.circle(frame, place[::-1], 45, (255, 0, 0), -1)
    (nearer,) = close_ups(sees_red, [frame], (96, 96), 7)
    rows, columns = np.nonzero(nearer[..., 0] > 200)
    assert len(rows) > 1.5 * (framed(frame, (96, 96))[..., 0] > 200).sum()  # all of it, and larger
    inside = 312 / 2 < place[0] < 480 - 312 / 2 and 416 / 2 < place[1] < 640 - 416 / 2
    if inside:
        assert (rows.mean(), columns.mean()) == pytest.approx((48, 48), abs=8)


def test_large_frames_are_looked_at_as_a_whole_and_from_nearer():
    frame = np.full((480, 640, 3), 90, np.uint8)
    cv2.circle(frame, (400, 240), 60, (255, 0, 0), -1)
    card = {"input_shape": [96, 96, 3], "class_names": list(CLASS_NAMES)}
    said = {}
    for closer in (True, False):
        counter = reader(Fingers(), sees_red, card, closer=closer)
        counter.start(Film("pictures", "images"))
        small = frame[::4, ::4].copy()
        said[closer] = counter.predict([Frame(index=0, pixels=frame), Frame(index=1, pixels=small)])
    whole = in_six_ways(framed(frame, (96, 96)))
    (nearer,) = close_ups(sees_red, [frame], (96, 96), 7)
    both = (whole + in_six_ways(nearer)) / 2
    assert list(said[False][0].probabilities.values()) == pytest.approx(whole.tolist(), abs=0.02)
    assert list(said[True][0].probabilities.values()) == pytest.approx(both.tolist(), abs=0.02)
    assert max(abs(both - whole)) > 0.04
    assert said[True][1].probabilities == said[False][1].probabilities
