import io
import json
import re
import types

import pytest

from kzoo.cli import output
from kzoo.plugins.registry import get_registry, plural

LISTS = {
    "list-losses": ("loss",),
    "list-metrics": ("metric",),
    "list-optimizers": ("optimizer", "schedule"),
    "list-regularizers": ("regularizer",),
    "list-trackers": ("tracker",),
    "list-pipelines": ("pipeline",),
}


@pytest.mark.parametrize(("command", "kinds"), LISTS.items())
def test_every_entry_is_listed_once(command, kinds, kzoo, plugins):
    plugins("good", "same_names", "first_party_name")
    code, out, err = kzoo(command, "--json")
    assert (code, err) == (0, "")
    rows = json.loads(out)
    registry = get_registry()
    assert [row["qualified"] for row in rows] == [e.qualified for kind in kinds for e in registry.entries(kind)]
    assert [row["shown"] for row in rows] == [name for kind in kinds for name in registry.names(kind)]
    _, table, _ = kzoo(command)
    first_words = [line.split()[0] for line in table.splitlines()]
    assert first_words == ["NAME", *(row["shown"] for row in rows)]


def test_a_table_is_written_in_one_piece(monkeypatch):
    class Out(io.StringIO):
        def write(self, text):
            pieces.append(text)
            return len(text)

    pieces = []
    monkeypatch.setattr("sys.stdout", Out())
    output.emit([{"name": "a"}, {"name": "b"}], {"name": "name"}, as_json=False)
    assert [piece for piece in pieces if piece.strip()] == ["NAME\na\nb"]


def test_a_table_row_is_one_line_and_loses_nothing(kzoo, plugins, monkeypatch):
    monkeypatch.setenv("COLUMNS", "30")
    plugins("good")
    _, out, _ = kzoo("list-losses", "--search", "good_loss")
    [_, row] = out.splitlines()
    assert re.split(r"  +", row) == ["good_loss", "gl", "regression", "Forgives [small] mistakes.", "kzoo-good 1.2"]
    assert "goodloss" not in out, "an alias that is the name without underscores tells nobody anything"


def test_conflicting_names_are_shown_qualified(kzoo, plugins):
    plugins("same_names")
    _, out, _ = kzoo("list-losses", "--search", "contested")
    assert [line.split()[0] for line in out.splitlines()[1:]] == ["kzoo-same-a:contested", "kzoo-same-b:contested"]
    assert "kzoo-same-a 1.0" in out
    assert "kzoo-same-b 2.0" in out


def test_task(kzoo, plugins):
    plugins("good")
    _, out, _ = kzoo("list-losses", "--task", "regression", "--search", "good", "--json")
    assert {"good_loss", "good_both"} <= {row["name"] for row in json.loads(out)}
    _, out, _ = kzoo("list-losses", "--task", "binary", "--search", "good", "--json")
    assert "good_loss" not in {row["name"] for row in json.loads(out)}
    _, out, _ = kzoo("list-pipelines", "--task", "regression", "--json")
    assert {row["task"] for row in json.loads(out)} == {"regression"}


def test_an_unknown_task(kzoo):
    code, out, err = kzoo("list-losses", "--task", "regresion")
    assert (code, out) == (2, "")
    assert err.startswith("error: There is no task `regresion`. The tasks are classification, binary,")


@pytest.mark.parametrize("text", ["FORGIVES [small]", "mistakes small", "Good-Loss", "kzoo-good:good_loss"])
def test_search_finds(text, kzoo, plugins):
    plugins("good")
    _, out, _ = kzoo("list-losses", f"--search={text}", "--json")
    assert [row["name"] for row in json.loads(out)] == ["good_loss"]


def test_an_empty_result_says_why(kzoo, plugins):
    plugins("good")
    total = len(get_registry().entries("loss"))
    fitting = len(get_registry().fitting("loss", "detection"))
    code, out, err = kzoo("list-losses", "--search", "zzz", "--task", "detection")
    assert (code, out) == (0, "")
    assert f"{fitting} of {total} losses are for the task `detection`, and none of those matches `zzz`" in err
    code, out, err = kzoo("list-losses", "--search", "zzz", "--json")
    assert (code, json.loads(out)) == (0, [])
    assert f"none of {total} losses matches `zzz`" in err


def test_schedules_are_marked(kzoo, plugins):
    plugins("good")
    _, out, _ = kzoo("list-optimizers", "--search", "good")
    assert [line.split()[:2] for line in out.splitlines()] == [
        ["NAME", "ALIASES"],
        ["good_optimizer", "optimizer"],
        ["good_schedule", "schedule"],
    ]


def test_json_of_a_component(kzoo, plugins):
    plugins("good")
    _, out, _ = kzoo("list-losses", "--search", "good_loss", "--json")
    [row] = json.loads(out)
    assert row == {
        "kind": "loss",
        "name": "good_loss",
        "shown": "good_loss",
        "qualified": "kzoo-good:good_loss",
        "aliases": ["gl", "goodloss"],
        "summary": "Forgives [small] mistakes.",
        "distribution": "kzoo-good",
        "version": "1.2",
        "target": "kzoo_good.parts:GoodLoss",
        "reference": "Nobody 2024",
        "tasks": ["regression"],
        "targets": ["dense", "sparse"],
        "note": "Nobody should train with it.",
        "cautions": {"regression": "Only a fixture."},
        "example": {"slope": 2},
        "variants": {},
        "resolves": {},
        "successor_of": ["old.losses.FormerLoss"],
        "expected_failures": {},
    }


def test_noise_of_a_plugin_does_not_reach_json(kzoo, plugins):
    plugins("noisy")
    _, out, err = kzoo("list-losses", "--json")
    assert "noisy" in {row["name"] for row in json.loads(out)}
    assert err == "noise at import\nnoise in a hook\n"


class TestPlugins:
    def rows(self, kzoo, *arguments):
        code, out, err = kzoo("list-plugins", "--json", *arguments)
        assert code == 0
        return {(row["distribution"], row["entry_point"]): row for row in json.loads(out)}, err

    def test_states(self, kzoo, plugins):
        plugins("good", "bad_import", "bad_hook", "midway", "noisy", "malformed")
        rows, err = self.rows(kzoo, "--no-plugin", "noisy")
        assert rows["kzoo-good", "good"]["status"] == "ok"
        assert rows["kzoo-good", "good"]["publishes"] == {
            "loss": 4,
            "metric": 1,
            "optimizer": 1,
            "schedule": 1,
            "regularizer": 1,
            "tracker": 1,
            "pipeline": 1,
            "command": 2,
        }
        assert rows["kzoo-bad-import", "bad"]["status"].startswith("skipped (import) No module named")
        assert rows["kzoo-bad-import", "bad"]["version"] == "0.2"
        assert rows["kzoo-bad-hook", "bad"]["status"].startswith("partly skipped (call) RuntimeError: the moon")
        assert rows["kzoo-midway", "bad"]["status"].startswith("skipped (call) ValueError: half way")
        assert rows["kzoo-noisy", "noisy"]["status"] == "disabled"
        assert rows["kzoo-malformed", ""]["status"].startswith("skipped (metadata)")
        assert len([line for line in err.splitlines() if line.startswith("skipped kzoo-")]) == 4

    def test_table(self, kzoo, plugins):
        plugins("good")
        _, out, _ = kzoo("list-plugins", "--search", "kzoo-good")
        heading, row = out.splitlines()
        assert re.split(r"  +", heading) == ["DISTRIBUTION", "VERSION", "ENTRY POINT", "PUBLISHES", "STATUS"]
        counts = "4 losses, 1 metric, 1 optimizer, 1 schedule, 1 regularizer, 1 tracker, 1 pipeline, 2 commands"
        assert re.split(r"  +", row) == ["kzoo-good", "1.2", "good", counts, "ok"]

    def test_disabled_before_import(self, kzoo, plugins):
        plugins("good", "bad_import")
        rows, err = self.rows(kzoo, "--no-plugins")
        assert {row["status"] for row in rows.values() if row["distribution"] != "kzoo"} == {"disabled"}
        assert "kzoo-bad-import" not in err


def test_first_party_lists():
    for kinds in LISTS.values():
        for kind in kinds:
            assert get_registry().entries(kind), plural(kind)


class TestTable:
    ROWS = (
        {"name": "short", "text": "one two three four five six seven eight", "n": 3},
        {"name": "a_name_that_is_rather_long", "text": "", "n": 12.5},
        {"name": "漢字", "text": "wide letters", "n": None},
    )
    COLUMNS = types.MappingProxyType({"name": "name", "text": "text", "n": "n"})

    def test_piped(self):
        lines = output.table_lines(self.ROWS, self.COLUMNS)
        assert lines == [
            "NAME                        TEXT                                        N",
            "short                       one two three four five six seven eight     3",
            "a_name_that_is_rather_long                                           12.5",
            "漢字                        wide letters",
        ]

    @pytest.mark.parametrize("width", [48, 60, 79])
    def test_wrapped_loses_no_word_and_keeps_the_width(self, width):
        lines = output.table_lines(self.ROWS, self.COLUMNS, width=width)
        assert max(output.width_of(line) for line in lines) <= width
        words = " ".join(lines).split()
        for row in self.ROWS:
            assert {row["name"], *row["text"].split()} <= set(words)

    def test_too_narrow_a_terminal_cuts_words_in_two_but_drops_nothing(self):
        lines = output.table_lines(self.ROWS, {"name": "name"}, width=12)
        assert max(map(len, lines)) <= 12
        assert "".join(line.strip() for line in lines[2:5]) == "a_name_that_is_rather_long"

    def test_color_is_around_the_text_only(self):
        lines = output.table_lines(self.ROWS[:1], {"name": "name", "n": "n"}, paint=output.paint)
        assert lines == ["\x1b[1mNAME\x1b[0m   \x1b[1mN\x1b[0m", "\x1b[36mshort\x1b[0m  3"]


def test_json_is_valid_whatever_the_rows_hold(capsys):
    values = {"nan": float("nan"), "inf": [float("-inf")], "set": {"b", "a"}, "path": io.StringIO, "text": "ä"}
    output.emit_json(values)
    found = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert found == {"nan": None, "inf": [None], "set": ["a", "b"], "path": str(io.StringIO), "text": "ä"}


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_result_that_is_a_table_is_no_line_of_numbers():
    assert output.cell([[1, 0], [2, 3], [0, 0]]) == "a table of 3 x 2, which --json writes out"
    assert output.cell([0.5, 1.0]) == "0.5, 1"


def test_color_only_on_a_terminal_without_no_color(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    assert output.uses_color(Terminal())
    assert not output.uses_color(io.StringIO())
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert output.uses_color(io.StringIO())
    monkeypatch.setenv("NO_COLOR", "1")
    assert not output.uses_color(Terminal())


def test_a_paragraph_is_wrapped_on_a_terminal_only(monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    text = "some words  that\nare more than twenty columns"
    assert output.paragraph(text, io.StringIO()) == "some words that are more than twenty columns"
    assert max(map(len, output.paragraph(text, Terminal()).splitlines())) <= 20
