"""What a person sees of a training: lines that fit, a bar that stays, and who is told."""

import io
import re
import sys
import types

import keras
import pytest
from rich.console import Console

from kzoo.engine.listener import Silent
from kzoo.errors import UsageError
from kzoo.training import listeners
from kzoo.training.listeners import NotebookScreen, listener_for
from kzoo.training.progress import ProgressLines, TerminalScreen
from kzoo.training.progress_line import Moment, bar, format_logs, in_time, line_of_epoch, live_line

LOGS = {"accuracy": 0.91234, "loss": 0.5, "val_accuracy": 0.9, "val_loss": 0.61, "matrix": [[1, 2]], "part": [0.5, 1]}
MOMENT = Moment("epoch 13/100", 120, 375, 83.4, LOGS, "12,345 img/s")


def test_values_begin_with_the_loss_and_end_with_the_validation():
    assert format_logs(LOGS) == "loss 0.5  accuracy 0.9123  val_loss 0.61  val_accuracy 0.9"
    assert "part 0.5 1" in format_logs(LOGS, whole=True)
    assert "matrix" not in format_logs(LOGS, whole=True)


def test_the_live_line_has_bar_and_time_at_any_width():
    for width in range(16, 140):
        line = live_line(MOMENT, width)
        assert len(line) <= width
        if width >= len("13/100  ━───  1:23 left"):
            assert re.search("^(epoch )?13/100  ━+─+  1:23 left", line), width


def test_there_is_more_of_it_where_there_is_room():
    assert live_line(MOMENT, 40).startswith("epoch 13/100  ━━━")
    assert live_line(MOMENT, 139).endswith("val_accuracy 0.9  12,345 img/s")
    assert [word in live_line(MOMENT, 70) for word in ("120/375", "loss 0.5", "val_accuracy")] == [True, True, False]
    assert "left" not in live_line(Moment("epoch 1/1", 0, 3, None, {}, ""), 60)
    assert live_line(MOMENT, 40, ascii_only=True).isascii()


@pytest.mark.parametrize(("step", "drawn"), [(0, "────"), (1, "━───"), (4, "━━━━")])
def test_a_bar_is_as_full_as_the_epoch(step, drawn):
    assert bar(step, 4, 4) == drawn


def test_time_is_that_of_a_clock():
    assert [in_time(seconds) for seconds in (0.4, 59.6, 3600)] == ["0:00", "1:00", "1:00:00"]


def test_the_line_of_an_epoch_never_wraps():
    whole = line_of_epoch("epoch 1/10", format_logs(LOGS), "900 img/s  1.0 s")
    for width in range(20, 100):
        line = line_of_epoch("epoch 1/10", format_logs(LOGS), "900 img/s  1.0 s", width)
        assert len(line) <= width
        assert line.startswith("epoch 1/10  loss 0.5"[:width])
        assert (line == whole) == (width >= len(whole))
        assert line.endswith("...") == ("val_accuracy" not in line and width >= len("epoch 1/10  loss 0.5 ..."))


def trained(screen, *, whole=False, epochs=2):
    """Show two epochs of three steps, called as Keras's list of callbacks does."""
    lines = ProgressLines(screen, examples=60, batch_size=20, whole=whole)
    model = types.SimpleNamespace(optimizer=object())
    called = keras.callbacks.CallbackList([lines], model=model, epochs=epochs, steps=3)
    called.on_train_begin()
    for epoch in range(epochs):
        called.on_epoch_begin(epoch)
        for step in range(3):
            called.on_train_batch_end(step, LOGS)
        called.on_epoch_end(epoch, LOGS)
    called.on_train_end()


@pytest.mark.parametrize("live", [True, False])
def test_on_a_narrow_terminal(live, monkeypatch):
    monkeypatch.setattr("kzoo.training.progress._REFRESH", 0)
    console = Console(file=io.StringIO(), width=44, force_terminal=True, legacy_windows=False)
    trained(TerminalScreen(console, live=live))
    text = re.sub(r"\x1b\[[?\d;]*[A-Za-z]", "", console.file.getvalue())
    lines = [line for line in re.split(r"[\r\n]+", text) if line]
    assert max(map(len, lines)) <= 44
    assert [line for line in lines if "..." in line] == [
        f"epoch {epoch}/2  loss 0.5  accuracy 0.9123 ..." for epoch in (1, 2)
    ]
    assert any("━" in line and "3/3" in line for line in lines) == live


def test_all_values_where_they_are_asked_for_or_nobody_watches():
    console = Console(file=io.StringIO(), width=44, force_terminal=True)
    trained(TerminalScreen(console, live=False, whole=True), whole=True)
    assert "part 0.5 1" in console.file.getvalue()
    assert "val_accuracy 0.9" in console.file.getvalue()
    console = Console(file=io.StringIO(), width=44)
    trained(TerminalScreen(console, live=False))
    assert console.file.getvalue().count("val_accuracy 0.9") == 2


class Display:
    """What IPython's `display` returns, with all that it was given."""

    def __init__(self):
        self.shown = []

    def __call__(self, bundle, *, raw, display_id):
        assert raw
        assert display_id
        self.shown.append(bundle)
        return self

    def update(self, bundle, *, raw):
        assert raw
        self.shown.append(bundle)


@pytest.fixture
def notebook(monkeypatch):
    """Make this process look like the kernel of a notebook; return what is displayed."""
    display = Display()
    shell = types.SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setitem(sys.modules, "IPython.display", types.SimpleNamespace(display=display))
    return display


def test_in_a_notebook(notebook, monkeypatch):
    monkeypatch.setattr("kzoo.training.progress._REFRESH", 0)
    assert listeners.in_notebook()
    trained(NotebookScreen())
    assert any('<progress value="3" max="3"' in one["text/html"] for one in notebook.shown)
    last = notebook.shown[-1]
    assert "<progress" not in last["text/html"]
    assert [line.partition("  ")[0] for line in last["text/plain"].splitlines()] == ["epoch 1/2", "epoch 2/2"]


def test_names_of_strangers_are_no_html(notebook):
    screen = NotebookScreen()
    screen.draw(Moment("epoch 1/1", 1, 2, 3.0, {"<b>": 1.0}, ""))
    screen.leave("epoch 1/1", "<script> 1", "")
    assert not any(re.search("<b>|<script>", one["text/html"]) for one in notebook.shown)


def test_who_is_told(notebook, capsys):
    told = listener_for("auto")
    told.say("a word")
    told.download(1, 10**6, "set.zip")
    told.download(2, 10**6, "set.zip")
    assert capsys.readouterr() == ("a word\nDownloading set.zip (1.0 MB) ...\n", "")
    progress = told.progress(examples=1, batch_size=1, unit="img")
    assert isinstance(progress._screen, NotebookScreen)
    lines = listener_for(2).progress(examples=1, batch_size=1, unit="img")._screen
    assert isinstance(lines, TerminalScreen)
    assert lines._whole, "what a kernel has for a terminal has no width"


def test_outside_of_a_notebook_it_goes_to_stderr(capsys):
    told = listener_for("auto")
    told.say("a word")
    assert capsys.readouterr() == ("", "a word\n")
    with pytest.warns(UserWarning, match="beware"):
        told.warn("beware")
    assert type(listener_for(0)) is Silent
    assert listener_for(0).progress(examples=1, batch_size=1, unit="img") is None


@pytest.mark.parametrize("wrong", [3, -1, "loud", None, 1.5])
def test_other_words_are_refused(wrong):
    with pytest.raises(UsageError, match=r"`verbose` must be 0 \(nothing\), 1 \(a bar\), 2"):
        listener_for(wrong)
