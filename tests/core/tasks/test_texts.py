"""How far texts are from one another, as TensorFlow's edit distance has it; what is said of those that were read."""

import csv
import io

import numpy as np
import pytest
import tensorflow as tf

from kzoo.data.splits import ArraySplit
from kzoo.errors import DataError, KzooError
from kzoo.tasks import Measured, task_named
from kzoo.tasks.text_measures import aligned, edit_distance
from kzoo.tasks.texts import ReadLine, TextOutcome
from kzoo.tasks.transcript import Transcript
from kzoo.training.logged import direction_of

TRANSCRIPTION = task_named("transcription")


class Drawn:
    """A line of text in memory."""

    path = None

    def __init__(self, text, name="a.png"):
        self.text, self.name = text, name

    def pixels(self):
        return np.full((16, 40, 1), 200, np.uint8)


class Lines(ArraySplit):
    """A split that tells its texts."""

    def __init__(self, *texts):
        super().__init__(np.zeros((len(texts), 16, 40, 1), np.uint8), np.zeros((len(texts), 4), np.int32))
        self.lines = [Drawn(text, f"{number}.png") for number, text in enumerate(texts)]


class Says:
    """A reader that says the same texts in turn."""

    batch_size = 2

    def __init__(self, *texts):
        self.texts, self.seen = list(texts), []

    def load(self):
        self.seen.append("loaded")

    def predict(self, items):
        self.seen += [item.pixels.shape for item in items]
        return [Transcript(self.texts[item.index], 0.5) for item in items]

    def close(self):
        self.seen.append("closed")


def outcome(*pairs):
    return TextOutcome(
        [ReadLine(Drawn(true, f"{at}.png"), true, said, 0.9 - at / 10) for at, (true, said) in enumerate(pairs)]
    )


def of_tensorflow(true, said):
    """Return TensorFlow's edit distance of sequences."""

    def sparse(text):
        return tf.sparse.from_dense([list(text)]) if text else tf.SparseTensor(
            np.zeros((0, 2), np.int64), tf.constant([], tf.string), (1, 0)
        )  # fmt: skip

    return float(tf.edit_distance(sparse(said), sparse(true), normalize=False)[0])


def test_edits_are_counted_as_tensorflow_does():
    rng = np.random.default_rng(0)
    for _ in range(60):
        true, said = ("".join(rng.choice(list("abc"), rng.integers(0, 9))) for _ in range(2))
        assert edit_distance(true, said) == of_tensorflow(true, said), (true, said)
        pairs = aligned(true, said)
        assert "".join(one for one, _ in pairs if one) == true
        assert "".join(other for _, other in pairs if other) == said
        assert sum(one != other for one, other in pairs) == edit_distance(true, said)
        assert (None, None) not in pairs


def test_rates_are_those_of_all_lines_together():
    """The rate of a long line counts for more than that of a short one, as in jiwer and torchmetrics."""
    pairs = [("the cat", "the hat"), ("a", "a"), ("on the mat", "on mat"), ("x", "xyz")]
    found = outcome(*pairs).metrics()
    edits = sum(of_tensorflow(true, said) for true, said in pairs)
    words = sum(of_tensorflow(true.split(), said.split()) for true, said in pairs)
    assert found["cer"] == pytest.approx(edits / sum(len(true) for true, _ in pairs))
    assert found["wer"] == pytest.approx(words / 7)
    assert found["sequence_accuracy"] == 0.25
    assert found["mean_confidence"] == pytest.approx(0.75)
    assert "wer" not in outcome(("123", "123"), ("45", "4")).metrics()
    assert outcome(("1", "23456")).metrics()["cer"] == 5


def test_symbols_are_counted_by_what_they_were_read_as():
    found = outcome(("a a", "a b"), ("ab", "b"), ("b", "bb"))
    assert found.per_class() == {
        "(space)": {"recall": 1.0, "count": 1},
        "a": {"recall": 1 / 3, "count": 3},
        "b": {"recall": 1.0, "count": 2},
    }
    confusion = found.confusion()
    assert confusion.names == ["(space)", "a", "b", "(nothing)"]
    assert confusion.counts.tolist() == [[1, 0, 0, 0], [0, 1, 1, 1], [0, 0, 2, 0], [0, 0, 1, 0]]


def test_the_worst_come_first_and_are_in_the_file():
    found = outcome(("abcd", "abcd"), ("ab", "xy"), ("abcd", "abcx"), ("ab,", "zz"))
    assert [one.said for one in found.worst(3)] == ["xy", "zz", "abcx"]
    table = list(csv.DictReader(io.StringIO(found.files()["texts"])))
    assert [row["image"] for row in table] == ["1.png", "3.png", "2.png", "0.png"]
    assert table[1] == {"image": "3.png", "true": "ab,", "read": "zz", "edits": "3", "confidence": "0.6000"}


def test_pictures_are_drawn_whatever_was_read():
    found = outcome(("a$b$c", "$\\x$"), ("x" * 200, ""), ("ok", "ok"))
    assert list(found.figures()) == list(TRANSCRIPTION.pictures)
    for figure in found.figures().values():
        figure.savefig(io.BytesIO())
    outcome(("ok", "ok")).figures()["worst"].savefig(io.BytesIO())


def test_what_the_reader_says_of_each_line_is_measured():
    reader = Says("12", "3", "45")
    test = Lines("12", "4", "45")
    found = TRANSCRIPTION.measure(Measured(forward=None, test=test, reader=lambda settings: reader))
    assert found.metrics()["sequence_accuracy"] == pytest.approx(2 / 3)
    assert reader.seen == ["loaded", *[(16, 40, 3)] * 3, "closed"]
    with pytest.raises(DataError, match="no picture to measure on in nothing"):
        TRANSCRIPTION.measure(Measured(forward=None, test=Lines(), description="nothing"))
    plain = ArraySplit(np.zeros((1, 16, 40, 1), np.uint8), np.zeros((1, 4), np.int32))
    with pytest.raises(KzooError, match="needs `lines`"):
        TRANSCRIPTION.measure(Measured(forward=None, test=plain))


def test_an_error_rate_after_an_epoch_is_better_where_it_is_lower():
    from kzoo.plugins.registry import get_registry
    from kzoo.runs.configure import configure

    config = configure("transcription", recipe="quick")
    found = {name: direction_of(name, config, TRANSCRIPTION, get_registry()) for name in TRANSCRIPTION.epoch_figures}
    assert found == {"val_sequence_accuracy": "max", "val_cer": "min"}
    restoration = task_named("restoration")
    assert direction_of("val_picture_psnr", config, restoration, get_registry()) == "max"


def test_a_text_tells_itself_and_others():
    found = Transcript("12", 0.75, (("1", 0.2), ("72", 0.01)), "It is blurred.")
    assert found.text == "12 75%"
    assert Transcript("", 0.75).text == "(nothing) 75%"
    assert found.columns(3) == {"text": "12", "confidence": "0.7500", "next": "1 0.200, 72 0.010"}
    assert Transcript("12", 0.75).columns(3) == found.columns(1) == {"text": "12", "confidence": "0.7500"}
    assert found.to_dict(2) == {"text": "12", "confidence": 0.75, "others": [{"text": "1", "confidence": 0.2}]}
    assert found.rows() == [{"text": "12", "confidence": 0.75}]
    assert found.doubts == ("It is blurred.",)
    assert Transcript("12", 1.0).doubts == ()
