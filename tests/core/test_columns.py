"""Text in columns: names with sentences at any width, and numbers as people read them."""

import pytest

from kzoo.columns import cell, name_lines, table_lines, width_of
from kzoo.plugins.registry import get_registry

ROWS = [
    ("emd", "Earth mover's distance: how much probability has to move how far along ordered classes."),
    ("categorical_generalized_cross_entropy", "A blend of crossentropy and absolute error that forgives wrong labels."),
    ("漢字", "wide letters, which take two columns each, in a sentence that is long enough for a second line"),
]


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_no_line_is_wider_and_no_word_is_broken(width):
    words = {word for name, text in ROWS for word in (name, *text.split())} | {"..."}
    for row in ROWS:
        lines = name_lines([row], width)
        assert len(lines) <= 2
        assert all(width_of(line) <= width for line in lines)
        assert set(" ".join(lines).split()) <= words


def test_every_loss_has_one_or_two_lines_on_a_usual_terminal():
    registry = get_registry()
    entries = [entry for kind in ("loss", "metric", "optimizer", "pipeline") for entry in registry.entries(kind)]
    lines = name_lines([(registry.shown_name(entry), entry.spec.summary) for entry in entries], 80)
    assert max(map(width_of, lines)) <= 80
    assert len(entries) < len(lines) <= 2 * len(entries)
    assert [line.split()[0] for line in lines if not line.startswith(" ")] == list(map(registry.shown_name, entries))


def test_what_has_no_room_ends_in_dots():
    [_, second] = name_lines([("name", "word " * 60)], 40)
    assert second.endswith("word ...")
    assert name_lines([("name", "short")], 40) == ["name  short"]
    assert name_lines([], 40) == []


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_a_name_that_is_to_be_copied_is_in_one_piece_at_any_width(width):
    names = ["cats_vs_dogs/20261122T053438Z-classic-emd-s0", "mnist/20261122T053438Z-quick-s0"]
    rows = [{"run": name, "status": "interrupted", "results": "loss 0.22506, accuracy 0.5851"} for name in names]
    lines = table_lines(rows, {"run": "run", "status": "status", "results": "test results"}, width=width, whole=True)
    text = "\n".join(lines)
    assert all(text.count(name) == 1 for name in names)
    assert text.count("interrupted") == 2
    assert text.split().count("0.5851") == 2
    assert all(width_of(line) <= max(width, len(names[0])) for line in lines)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (198800, "198,800"),
        (999, "999"),
        (-1234567, "-1,234,567"),
        (0.123456, "0.12346"),
        (12345.678, "12,346"),
        (198800.25, "198,800"),
        (1e20, "1e+20"),
        (float("nan"), "nan"),
        ([1000, 28], "1000, 28"),
        (True, "yes"),
        ("1000", "1000"),
    ],
)
def test_numbers_for_people(value, shown):
    assert cell(value) == shown
