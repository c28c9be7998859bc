"""Pictures of hands: bursts kept together, folders read, hands drawn and pasted."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from pipelines import Heard, built, moment, read, request, sample

from kzoo.cli import main
from kzoo.data.sources import load_splits
from kzoo.data.splits import DataRequest
from kzoo.engine.listener import Silent
from kzoo.errors import DataError, UsageError
from kzoo.runs.configure import configure
from kzoo.runs.folder import Run
from kzoo.training.run import train
from kzoo_zoo.fingers.augment import disturbed, pasted
from kzoo_zoo.fingers.bursts import bursts, keep_apart
from kzoo_zoo.fingers.data import CLASS_NAMES
from kzoo_zoo.fingers.framing import framed
from kzoo_zoo.fingers.hands import draw_hands
from kzoo_zoo.fingers.pipeline import Fingers


def moments(count, frames, *, seed=0):
    """``count`` moments of ``frames`` frames each, which differ by a little noise."""
    rng = np.random.default_rng(seed)
    scenes = rng.integers(0, 256, (count, 6, 6, 3)).repeat(8, 1).repeat(8, 2).repeat(frames, 0)
    return np.clip(scenes + rng.normal(0, 5, scenes.shape), 0, 255).astype(np.uint8)


def save(folder, images, *, first=0):
    folder.mkdir(parents=True, exist_ok=True)
    for number, image in enumerate(images, first):
        Image.fromarray(image).save(folder / f"{number}.png")


@pytest.fixture
def folder(tmp_path):
    """Ten moments of four frames for each class but none, shuffled, and an empty frame in 0."""
    root = tmp_path / "hands"
    for count in range(6):
        images = moments(10, 4, seed=count)
        save(root / str(count), images[np.random.default_rng(count).permutation(len(images))])
    save(root / "0", [np.full((48, 48, 3), 130, np.uint8)], first=100)
    return root


def test_frames_of_one_moment_are_one_burst_in_whatever_order():
    images = moments(7, 5)
    truth = np.arange(7).repeat(5)
    order = np.random.default_rng(1).permutation(len(images))
    found = bursts(images[order])
    assert len(np.unique(found)) == 7
    pairs = found[:, None] == found
    np.testing.assert_array_equal(pairs, truth[order][:, None] == truth[order])


def test_whole_bursts_are_kept_apart():
    groups = np.random.default_rng(0).integers(0, 40, 400)
    kept = keep_apart(groups, 0.2, seed=0)
    assert set(groups[kept]) & set(groups[~kept]) == set()
    assert 0.15 < kept.mean() < 0.27
    assert not keep_apart(np.zeros(9, int), 0.2, seed=0).any()


def test_no_moment_is_on_both_sides_of_a_split(folder):
    dataset = read(Fingers(), folder, drawn=0)
    assert dataset.class_names == CLASS_NAMES
    parts = [dataset.train, dataset.validation, dataset.test]
    for label in range(1, 7):
        images = [part.x[part.y == label] for part in parts]
        sides = np.repeat(np.arange(3), [len(x) for x in images])
        groups = bursts(np.concatenate(images))
        assert all(len(set(sides[groups == group])) == 1 for group in groups)
        assert len(images[2]) >= 4


def test_an_empty_picture_of_0_is_none_and_missing_scenes_are_drawn(folder):
    dataset = read(Fingers(), folder, drawn=2)
    assert "1 empty picture(s) in 0 taken as none" in dataset.description
    counts = np.bincount(dataset.train.y, minlength=7)
    assert counts[0] > 20
    assert "drawn ones added to train" in dataset.description
    assert (dataset.test.y == 0).sum() + (dataset.validation.y == 0).sum() == 0  # only real ones are measured on


def test_several_folders_are_read_as_one_and_pictures_alone_show_no_hand(folder, tmp_path):
    save(tmp_path / "more" / "train" / "5", moments(3, 1, seed=8))
    save(tmp_path / "more" / "test" / "5", moments(2, 1, seed=9))
    save(tmp_path / "rooms", moments(20, 1, seed=10))
    asked = ",".join(str(path) for path in (folder, tmp_path / "more", tmp_path / "rooms"))
    splits = load_splits(Fingers().source(), request(asked, drawn=0), Silent())
    alone = load_splits(Fingers().source(), request(folder, drawn=0), Silent())
    assert (splits.test.y == 6).sum() == (alone.test.y == 6).sum() + 2
    assert (splits.test.y == 0).sum() == 4
    assert splits.provenance.location == asked


@pytest.mark.long
def test_the_seed_of_a_run_does_not_move_pictures_between_train_and_test(folder):
    one, other = (load_splits(Fingers().source(), DataRequest(str(folder), seed=seed), Silent()) for seed in (0, 1))
    assert one.fingerprint == other.fingerprint


@pytest.mark.long
def test_folders_that_are_no_counts_and_files_that_are_no_pictures_are_named(folder, tmp_path):
    save(tmp_path / "wrong" / "seven", moments(1, 1))
    with pytest.raises(DataError, match="seven is no count"):
        read(Fingers(), tmp_path / "wrong")
    (folder / "2" / "broken.jpg").write_bytes(b"<html>")
    (folder / "4" / "empty.jpg").write_bytes(b"")
    with pytest.raises(
        DataError, match=r"2 of 24\d pictures.*2/broken.jpg: it is a web page.*4/empty.jpg: the file is"
    ):
        read(Fingers(), folder)
    dataset = read(Fingers(), folder, unreadable="skip")
    (note,) = dataset.notes
    assert "2 of 24" in note
    assert "2/broken.jpg" in note
    assert len(dataset.train) > 100
    with pytest.raises(UsageError, match="stop or skip"):
        read(Fingers(), folder, unreadable="maybe")
    with pytest.raises(UsageError, match="drawn"):
        read(Fingers(), folder, drawn=-1)


def test_splits_go_by_the_rule_of_all_and_what_is_left_out_is_counted(tmp_path):
    root = tmp_path / "hands"
    for seed, split in enumerate(("training_set", "dev", "test")):
        save(root / split / "5", moments(2, 1, seed=seed))
    save(root, moments(1, 1), first=7)
    (root / "test" / "5" / "a.jxl").touch()
    dataset = read(Fingers(), root, drawn=0)
    assert [int((part.y == 6).sum()) for part in (dataset.train, dataset.validation, dataset.test)] == [2, 2, 2]
    others, lost = dataset.notes
    assert "1 .jxl (test/5/a.jxl)" in others
    assert lost == f"1 picture(s) in {root} are in no folder of a count and are left out: 7.png."
    save(root / "more" / "5", moments(1, 1))
    with pytest.raises(DataError, match="has `more` beside the splits `dev`, `test`, `training_set`"):
        read(Fingers(), root)
    save(root / "validation" / "5", moments(1, 1))
    with pytest.raises(DataError, match="both `dev` and `validation`"):
        read(Fingers(), root)


def test_there_is_nothing_to_download_and_it_says_what_to_do():
    with pytest.raises(DataError, match=r"--data\s+FOLDER.*kzoo capture"):
        load_splits(Fingers().source(), DataRequest("real"), Silent())
    heard = Heard()
    splits = load_splits(Fingers().source(), request("auto", per_class=5), heard)
    assert (splits.provenance.requested, splits.provenance.used) == ("auto", "sample")
    (warning,) = heard.warned
    assert "embedded sample (35 train, 7 test images" in warning
    assert "no data set to download" in warning
    assert "kzoo capture fingers" in warning


def test_a_frame_of_any_shape_becomes_a_square_without_being_squeezed_flat():
    disc = np.zeros((852, 480, 3), np.uint8)
    rows, columns = np.indices((852, 480))
    disc[(rows - 426) ** 2 + (columns - 240) ** 2 < 150**2] = 255
    small = framed(disc, (96, 96))
    assert small.shape == (96, 96, 3)
    lit = small[..., 0] > 127
    height, width = np.ptp(np.flatnonzero(lit.any(1))) + 1, np.ptp(np.flatnonzero(lit.any(0))) + 1
    assert width / height == pytest.approx(4 / 3, abs=0.1)
    assert framed(disc[:10, :20], (96, 96)).shape == (96, 96, 3)


def test_the_sample_is_the_same_bytes_every_time():
    images, labels = draw_hands(3, size=96, seed=0)
    again, _ = draw_hands(3, size=96, seed=0)
    np.testing.assert_array_equal(images, again)
    assert np.bincount(labels).tolist() == [3] * 7
    assert (images[labels == 0] != draw_hands(3, size=96, seed=1)[0][labels == 0]).any()


def hand_before_a_wall(size=96):
    picture = np.full((size, size, 3), (150, 155, 160), np.uint8)
    picture[30:, 40:56] = (180, 120, 90)
    return picture


def test_a_hand_before_a_wall_is_pasted_whole_on_another_background():
    x = np.stack([hand_before_a_wall()] * 16)
    backgrounds = np.full((1, 96, 96, 3), (0, 255, 0), np.uint8)
    found = pasted(x, backgrounds, seed=[1, 2], paste=1.0, rotation=0.0).numpy().astype(int)
    green = (found[..., 1] > 200) & (found[..., 0] < 60)
    assert (green.mean((1, 2)) > 0.5).all()
    assert (green.mean((1, 2)) < 0.97).all()  # the hand, whatever light it is in
    kept = pasted(x, backgrounds, seed=[1, 2], paste=0.0).numpy()
    assert not ((kept[..., 1] > 200) & (kept[..., 0] < 60)).any()


def test_clutter_is_never_cut_out():
    x = moments(8, 1)
    x = np.stack([np.asarray(Image.fromarray(one).resize((96, 96), 0)) for one in x])
    backgrounds = np.zeros((1, 96, 96, 3), np.uint8)
    found = pasted(x, backgrounds, seed=[3, 4], paste=1.0, rotation=0.0).numpy()
    assert (found.max(-1) > 0).mean() > 0.97


def test_changes_follow_from_the_seed_alone_and_strength_0_changes_nothing():
    x = draw_hands(2, size=96, seed=0)[0]
    same = [disturbed(pasted(x, x[:2], seed=[5, 6]), seed=[7, 8]).numpy() for _ in range(2)]
    np.testing.assert_array_equal(*same)
    assert (disturbed(x, seed=[9, 9]).numpy() != same[0]).any()
    np.testing.assert_array_equal(disturbed(x, seed=[1, 1], strength=0.0), x)


@pytest.mark.long
def test_the_pipeline_augments_within_a_graph_with_the_backgrounds_of_its_data():
    train = sample(Fingers(), per_class=20).train
    augment = built(Fingers(), (96, 96, 3), 7, train=train, augment={"rotation": 0.0, "strength": 0.0}).augment
    x = np.stack([hand_before_a_wall()] * 8)
    graph = tf.function(lambda x, y: augment(x, y, moment([1, 2])))
    found, labels = graph(x, np.arange(8))
    assert found.shape == (8, 96, 96, 3)
    assert found.dtype == tf.uint8
    np.testing.assert_array_equal(labels, np.arange(8))
    empty = train.x[train.y == 0]
    assert len(empty)
    # A graph may round the other way where a number lies in the middle.
    same = pasted(x, empty, seed=[1, 2], labels=np.arange(8), paste=0.6, rotation=0.0)
    np.testing.assert_allclose(found, same, atol=1)
    # Without pictures of an empty scene there is nothing to paste on.
    hands = train.take(np.flatnonzero(train.y > 0))
    augment = built(Fingers(), (96, 96, 3), 7, train=hands, augment={"rotation": 0.0, "strength": 0.0}).augment
    found, _ = augment(x, np.arange(8), moment([1, 2]))
    np.testing.assert_allclose(found, pasted(x, x, seed=[1, 2], paste=0.0, rotation=0.0), atol=1)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Return a tiny run on a few drawn hands."""
    root = tmp_path_factory.mktemp("drawn")
    options = ["data.per_class=20", "data.drawn=0", "model.widths=[4,8]", "report=false"]
    config = configure("fingers", recipe="quick", data="sample", epochs=1, options=options)
    return train(config, root=root, listener=Heard()).run


def test_the_size_of_the_sample_can_be_set(drawn):
    sizes = drawn.manifest().data.sizes
    assert sizes == {"train": 126, "validation": 14, "test": 28}
    with pytest.raises(UsageError, match=r"`data\.per_class` must be a whole number of at least 1, not 0"):
        sample(Fingers(), per_class=0)


@pytest.mark.long
def test_several_new_folders_are_measured_on_as_a_whole(drawn, folder, tmp_path, capsys):
    save(tmp_path / "more" / "5", moments(3, 1, seed=8))
    save(tmp_path / "rooms", moments(20, 1, seed=10))
    asked = ",".join(str(path) for path in (folder, tmp_path / "more", tmp_path / "rooms"))
    assert main(["evaluate", str(drawn.path), "--data", asked, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["size"], found["measured"]) == (6 * 40 + 1 + 3 + 20, "all of it")
    assert [found["per_class"][name]["support"] for name in CLASS_NAMES] == [21, 40, 40, 40, 40, 40, 43]
    assert main(["evaluate", str(drawn.path), "--data", "sample"]) == 0
    assert "28 test examples, its test split" in capsys.readouterr().out


@pytest.mark.long
def test_of_the_folders_of_a_run_the_test_splits_are_measured_on(drawn, tmp_path, capsys):
    few, more, new = (tmp_path / name for name in ("few", "more", "new"))
    for seed, place in enumerate((few, more, new)):
        save(place / "5", moments(10, 1, seed=seed))
    run = Run(tmp_path / "runs" / "fingers" / "own")
    shutil.copytree(drawn.path, run.path)
    run.update(data=replace(drawn.manifest().data, used="path", location=f"{few},{more}"))
    for asked, size in ((f"{new}, {few}", 4), (f"{few}/../more", 2)):
        assert main(["evaluate", str(run.path), "--data", asked]) == 0
        assert f"{size} test examples, its test split" in capsys.readouterr().out


def test_further_folders_of_a_training_are_not_measured_on(folder, tmp_path):
    save(tmp_path / "more" / "5", moments(3, 1, seed=8))
    save(tmp_path / "rooms", moments(20, 1, seed=10))
    settings = {"also": str(tmp_path / "rooms"), "drawn": 0}
    assert read(Fingers(), folder, **settings).location == f"{folder},{tmp_path / 'rooms'}"
    assert read(Fingers(), tmp_path / "more", whole=True, **settings).test.y.tolist() == [6, 6, 6]
