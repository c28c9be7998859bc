"""What would steer a terminal is written out wherever it comes from; JSON stays exact by its own escapes."""

import json

import pytest
import typer

from kzoo.cli import app, output
from kzoo.cli.pages import lines
from kzoo.cli.visible import in_json, visible, visible_in
from kzoo.command import emit, emit_json, say, show, warn

ESCAPES = {
    "clear": "\x1b[2J", "title": "\x1b]0;owned\x07", "link": "\x1b]8;;http://x\x1b\\", "ours": "\x1b[1mbold\x1b[0m",
    "clipboard": "\x1b]52;c;eA==\x07", "of eight bits": "\x9b31m", "back": "safe\b\b\b\bevil", "return": "safe\revil",
    "turned": "\u202egpj.exe", "null": "\0", "delete": "\x7f", "colour": "\x1b[31;1m", "isolate": "\u2066x",
    "nothing": "\ufeff",
}  # fmt: skip
BAD = {chr(code) for code in (*range(9), *range(11, 32), *range(0x7F, 0xA0), *range(0x202A, 0x202F), 0x2066, 0xFEFF)}


@pytest.mark.parametrize("text", ESCAPES.values(), ids=ESCAPES)
class TestOutput:
    def test_of_words(self, text, capsys):
        for write in (show, say, warn, output.error):
            write(f"a {text} b")
        out, err = capsys.readouterr()
        assert not BAD & set(out + err)
        assert out.count("\n") == 1
        assert err.count("\n") == 3

    @pytest.mark.parametrize("colour", ["", "1"])
    def test_of_a_table_with_names_as_headings(self, text, colour, capsys, monkeypatch):
        monkeypatch.setenv("FORCE_COLOR", colour)
        emit([{"class": text, text: [text, 1]}], {"class": "class", text: text}, as_json=False)
        out = capsys.readouterr().out
        for ours in ("\x1b[1m", "\x1b[36m", "\x1b[0m"):
            assert (ours in out) == bool(colour)
            out = out.replace(ours, "")
        assert not BAD & set(out)
        assert out.count("\n") == 2

    def test_of_json(self, text, capsys):
        emit_json({text: [text, 1.5]})
        out = capsys.readouterr().out
        assert not BAD & set(out)
        assert json.loads(out) == {text: [text, 1.5]}

    def test_of_progress(self, text, capsys):
        output.message_console().print(f"epoch {text}", markup=False, soft_wrap=True)
        assert not BAD & set(capsys.readouterr().err)

    def test_of_an_error_of_any_kind_and_its_traceback(self, text, capsys):
        assert app._report(RuntimeError(f"a {text} b"), "run") == 1
        output.show_traceback(RuntimeError(f"a {text} b"))
        assert not BAD & set(capsys.readouterr().err)

    def test_of_a_page(self, text, capsys):
        known = {"shown": text, "kind": "loss", "distribution": text, "version": text, "summary": text}
        parameters = [{"name": text, "required": False, "default": text, "help": text}]
        for line in lines([{**known, "formula": text, "aliases": [text], "parameters": parameters}]):
            output.show_painted(line)
        assert not BAD & set(capsys.readouterr().out)

    def test_of_a_help_page_and_a_warning_of_python(self, text, capsys):
        shell = typer.Typer(cls=app._Commands, rich_markup_mode=None)
        shell.callback(help=f"Page {text}")(lambda: None)
        typer.main.get_command(shell).main(["--help"], standalone_mode=False)
        assert not BAD & set(capsys.readouterr().out)
        assert not BAD & set(app._format_warning(f"a {text} b", UserWarning, "x.py", 1))


def test_what_steers_nothing_stays():
    text = "naïve 猫 кот \u200d\u0642\u0637\u0629 ✓ 🐱 a\tb\nc \u200f"
    assert visible(text) == text
    assert in_json(text) == text
    assert visible_in({"a": [text, 1, None]}) == {"a": [text, 1, None]}


def test_a_name_that_is_no_text_of_its_encoding_is_written_as_a_shell_has_it_in_json(capsys):
    emit_json({"image": "caf\udce9.png"})
    assert json.loads(capsys.readouterr().out)["image"] == "caf\\xe9.png"


def test_what_is_written_out_is_as_python_writes_it():
    assert visible("\x1b[31m\u202e") == "\\x1b[31m\\u202e"
