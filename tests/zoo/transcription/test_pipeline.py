"""The networks and their steps, what is changed at random, and frames through the reader."""

import keras
import numpy as np
import pipelines
import pytest
import tensorflow as tf

from kzoo.data.frames import Frame
from kzoo.errors import DataError, KzooError, UsageError
from kzoo.pipeline import BuildSettings, Problem
from kzoo.settings import read_settings
from kzoo_zoo.transcription.lines import Line, Lines, LineSplit
from kzoo_zoo.transcription.network import build_classic, build_default
from kzoo_zoo.transcription.pipeline import Transcription
from kzoo_zoo.transcription.settings import NetworkSettings

PIPELINE = Transcription()
CARD = {"input_shape": (32, 64, 1), "class_names": (), "alphabet": "ab", "case": "keep"}


def built(texts, width=64, augment=None, **settings):
    """Return what is built for texts whose pictures have so many columns."""
    shape = (32, width, 1)
    lines = [Line(f"{number}.png", text, None, "train") for number, text in enumerate(texts)]
    store = Lines(lines, shape, "ab", np.zeros((len(texts), *shape), np.uint8))
    schema = {"alphabet": "ab", "case": "keep"}
    problem = Problem(task="transcription", input_shape=shape, outputs=4, predicts="sequences", schema=schema)
    chosen = BuildSettings(
        model=read_settings(PIPELINE.model_settings, {"width": 4, **settings}),
        augment=None if augment is None else read_settings(PIPELINE.augment_settings, augment),
    )
    return PIPELINE.build(problem, LineSplit(store, np.arange(len(texts))), chosen)


@pytest.mark.parametrize(
    ("network", "options", "shape"),
    [("default", {"stride": 4}, (32, 96, 1)), ("default", {"stride": 2}, (48, 80, 3)), ("classic", {}, (32, 96, 1))],
)
def test_a_network_has_the_steps_that_are_counted(network, options, shape):
    build = {"default": build_default, "classic": build_classic}[network]
    model = build(shape, 11, keras.regularizers.L2(1e-3), width=4, **options)
    steps = NetworkSettings(network=network, **options).steps(shape[1])
    assert model.output_shape == (None, steps, 11)
    assert model(np.zeros((2, *shape), np.uint8)).dtype == tf.float32
    kernels = [w for w in model.trainable_weights if "kernel" in w.name and "recurrent" not in w.name]
    assert len(model.losses) == len(kernels)
    assert np.isfinite(float(sum(model.losses)))


def test_the_classic_network_is_that_of_the_paper():
    """Table 1 of Shi et al., for the 36 classes of its tests and the blank: 8.3 million weights."""
    model = build_classic((32, 100, 1), 37)
    assert model.output_shape == (None, 24, 37)
    assert model.count_params() == pytest.approx(8.3e6, rel=0.02)
    assert len([one for one in model.layers if isinstance(one, keras.layers.Bidirectional)]) == 2


def test_texts_that_are_too_long_for_the_steps_are_named():
    assert built(["ab" * 8]).card == {"alphabet": "ab", "case": "keep"}
    with pytest.raises(
        DataError, match=r"2 of 3 texts are too long .* 16 steps .* 64 columns.*1\.png needs 19"
    ) as error:
        built(["ab", "a" * 10, "ab" * 9])
    assert "2.png needs 18" in str(error.value)
    assert "-o data.width=80) or finer steps (-o model.stride=2)" in str(error.value)
    assert built(["ab", "a" * 10], stride=2).model.output_shape[1] == 32
    assert built(["ab", "a" * 10], width=80).model.output_shape[1] == 20
    with pytest.raises(DataError, match=r"15 steps .*1\.png needs 19.*-o data\.width=80\), or remove"):
        built(["ab", "a" * 10], network="classic")


def test_settings_that_do_not_go_together_are_refused():
    with pytest.raises(UsageError, match=r"`model\.stride` is a setting of the default network"):
        built(["ab"], network="classic", stride=2)


def test_lines_are_changed_by_the_seed_alone_and_labels_are_not():
    found = built(["ab"], augment={})
    x = np.random.default_rng(0).integers(0, 256, (6, 32, 64, 1), dtype=np.uint8)
    y = np.arange(6)[:, None]
    one, labels = found.augment(x, y, pipelines.moment((1, 2)))
    again, _ = found.augment(x, y, pipelines.moment((1, 2)))
    other, _ = found.augment(x, y, pipelines.moment((1, 3)))
    np.testing.assert_array_equal(one, again)
    np.testing.assert_array_equal(labels, y)
    assert one.dtype == tf.uint8
    assert (np.asarray(one) != np.asarray(other)).any(axis=(1, 2, 3)).all()
    assert built(["ab"]).augment is None


def test_nothing_to_change_changes_nothing():
    nothing = {"rotation": 0, "shear": 0, "zoom": (1, 1), "shift": 0, "colour": 0}
    x = np.random.default_rng(0).integers(0, 256, (2, 32, 64, 1), dtype=np.uint8)
    found, _ = built(["ab"], augment=nothing).augment(x, x, pipelines.moment((1, 2)))
    np.testing.assert_array_equal(found, x)
    moved, _ = built(["ab"], augment={**nothing, "shift": 0.2}).augment(x, x, pipelines.moment((1, 2)))
    assert (np.asarray(moved) != x).any()


def says(path, scale=8.0):
    """Return a network that takes this path through the symbols, whatever it sees."""

    class Says:
        engine = "tensorflow"
        model = None

        def __call__(self, x):
            assert x.shape[1:] == (32, 64, 1)
            return np.repeat(scale * np.eye(3, dtype=np.float32)[path][None], len(x), 0)

    return Says()


def frame(size):
    return Frame(index=0, pixels=np.full((*size, 3), 200, np.uint8))


def test_frames_of_any_size_are_read_and_drawn():
    reader = pipelines.reader(PIPELINE, says([1, 1, 0, 1, 2]), CARD)
    reader.load()
    frames = [frame((20, 30)), frame((100, 150)), frame((32, 500))]
    found = reader.predict(frames)
    assert [one.string for one in found] == ["aab"] * 3
    assert all(0.9 < one.confidence <= 1 for one in found)
    assert [len(one.doubts) for one in found] == [0, 0, 1]
    assert "squeezed to 13% of its width" in found[2].doubts[0]
    for one, said in zip(frames, found, strict=True):
        drawn = reader.draw(one, said)
        assert drawn.shape[0] > one.pixels.shape[0]
        assert drawn.shape[1] >= max(480, one.pixels.shape[1])


def test_what_nothing_can_stand_in_is_doubted():
    reader = pipelines.reader(PIPELINE, says([1, 1, 0, 1, 2]), CARD)
    found = reader.predict([frame((1, 1)), frame((1, 200)), frame((300, 1)), frame((20, 6))])
    assert ["means nothing" in "".join(one.doubts) for one in found] == [True, True, True, False]
    assert "has 200 x 1 pixels, too few rows" in found[1].doubts[0]


def test_a_beam_tells_other_texts():
    reader = pipelines.reader(PIPELINE, says([1, 0, 2] * 6, scale=1.5), CARD, decoding="beam", beams=40)
    (found,) = reader.predict([frame((32, 64))])
    chances = [found.confidence, *(chance for _, chance in found.others)]
    assert chances == sorted(chances, reverse=True)
    assert len(chances) == 10
    assert sum(chances) <= 1 + 1e-6
    assert len({found.string, *(text for text, _ in found.others)}) == 10
    short = pipelines.reader(PIPELINE, says([1, 0, 2], scale=1.5), CARD, decoding="beam")
    (found,) = short.predict([frame((32, 64))])
    assert (found.string, len(found.others)) == ("ab", 2)


def test_a_network_that_belongs_elsewhere_is_refused():
    with pytest.raises(UsageError, match="kzoo run transcription"):
        pipelines.reader(PIPELINE)
    with pytest.raises(KzooError, match="logits of 3 symbols and the blank are due"):
        pipelines.reader(PIPELINE, says([1]), {**CARD, "alphabet": "abc"}).predict([frame((32, 64))])
    for wrong in ({"alphabet": None}, {"input_shape": (64,)}):
        with pytest.raises(KzooError):
            pipelines.reader(PIPELINE, says([1]), {**CARD, **wrong})
