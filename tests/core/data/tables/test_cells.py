"""Numbers as files write them."""

import math

import pytest

from kzoo.data.tables.cells import Numbers


@pytest.mark.parametrize(
    ("separator", "text", "value"),
    [
        (",", "12", 12.0),
        (",", " -1.5e3 ", -1500.0),
        (";", "3,5", 3.5),
        (";", "-,5", -0.5),
        ("\t", "3,", 3.0),
        ("|", "1,5e-2", 0.015),
        (";", "3.5", 3.5),
    ],
)
def test_numbers(separator, text, value):
    assert Numbers(separator).read(text) == value


@pytest.mark.parametrize("text", ["", "  ", "NA", "n/a", "NaN", "null", "None", "?"])
def test_missing(text):
    assert math.isnan(Numbers(",").read(text))


@pytest.mark.parametrize(
    ("separator", "text"),
    [(",", "3,5"), (";", "1.234,5"), (";", "1,234,567"), (",", "inf"), (",", "-Infinity"), (",", "12 kg"), (",", "-")],
)
def test_what_is_no_number(separator, text):
    with pytest.raises(ValueError, match=r"could not convert|infinite"):
        Numbers(separator).read(text)


def test_a_file_with_both_signs_is_ambiguous():
    numbers = Numbers(";")
    numbers.read("1,5")
    assert not numbers.mixed
    numbers.read("12")
    assert not numbers.mixed
    numbers.read("1.234")
    assert "`1,5`" in numbers.mixed
    assert "`1.234`" in numbers.mixed


def test_a_cell_that_may_be_meant_as_a_number_is_explained():
    assert "thousands" in Numbers.hint("1,234.5")
    assert "thousands" in Numbers.hint("1.234.567")
    assert "semicolons" in Numbers.hint("3,5")
    assert Numbers.hint("red") == ""
