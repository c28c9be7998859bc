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
        (",", "0", 0.0),
        (",", "0.5", 0.5),
        (",", "-0.25", -0.25),
        (",", "0e5", 0.0),
        (",", "1234567890123456", 1234567890123456.0),
    ],
)
def test_numbers(separator, text, value):
    assert Numbers(separator).read(text) == value


@pytest.mark.parametrize("text", ["", "  ", "NA", "n/a", "NaN", "null", "None", "?"])
def test_missing(text):
    assert math.isnan(Numbers(",").read(text))


@pytest.mark.parametrize(
    ("separator", "text"),
    [(",", "3,5"), (";", "1.234,5"), (";", "1,234,567"), (",", "inf"), (",", "-Infinity"), (",", "12 kg"), (",", "-"),
     (",", "01234"), (",", " -007"), (";", "00,5"), (",", "1_000"), (",", "12345678901234567890")],
)  # fmt: skip
def test_what_is_no_number(separator, text):
    with pytest.raises(ValueError, match=r"could not convert|infinite|zeros before|too long"):
        Numbers(separator).read(text)


@pytest.mark.parametrize(
    ("numbers", "taken", "refused"),
    [
        (Numbers(";", ","), "1,5", "1.500"),
        (Numbers(";", "."), "1.500", "1,5"),
        (Numbers(";", doubtful=True), "0,500", "1,500"),
        (Numbers(";", doubtful=True), "12.25", "-12.250"),
    ],
)
def test_the_other_sign_and_a_doubtful_one_are_refused(numbers, taken, refused):
    assert numbers.read(taken) == float(taken.replace(",", "."))
    with pytest.raises(ValueError, match=r"could not convert|may separate"):
        numbers.read(refused)


def test_a_cell_that_may_be_meant_as_a_number_is_explained():
    assert "thousands" in Numbers.hint("1,234.5")
    assert "thousands" in Numbers.hint("1.234.567")
    assert "semicolons" in Numbers.hint("3,5")
    assert "semicolons" in Numbers.hint("0,200")
    assert "code" in Numbers.hint("01234")
    assert Numbers.hint("red") == ""
