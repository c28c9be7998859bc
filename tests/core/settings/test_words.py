"""Types in words, as they stand after "must be"."""

from typing import Annotated, Any, Literal

import pytest

from kzoo.settings import Described, described, range_in_words, setting, settings


@pytest.mark.parametrize(
    ("hint", "words"),
    [
        (int, "a whole number"),
        (float, "a number"),
        (bool, "true or false"),
        (str, "text"),
        (Annotated[int, setting("", ge=0)], "a whole number of at least 0"),
        (Annotated[int, setting("", ge=0, lt=2**31)], "a whole number of at least 0 and below 2147483648"),
        (Annotated[float, setting("", gt=0, le=0.5)], "a number above 0 and at most 0.5"),
        (Annotated[float, setting("", ge=1e-7)], "a number of at least 1e-07"),
        (Literal["a", "b", "c"], "a, b or c"),
        (Literal["a", ""], "a"),
        (int | None, "a whole number"),
        (Annotated[int | None, setting("")], "a whole number"),
        (Annotated[int | None, setting("", ge=2)], "a whole number of at least 2"),
        (type(None), "nothing"),
        (str | int, "text or a whole number"),
        (int | bool | str, "a whole number, true or false or text"),
        (list[int], "a list of whole numbers"),
        (tuple[float, ...], "a list of numbers"),
        (tuple[float, float], "a list of 2: a number each"),
        (str | tuple[str, ...], "text or a list of texts"),
        (list[Any], "a list"),
        (list[str | dict[str, Any]], "a list of text or a table"),
    ],
)
def test_words_of_a_type(hint, words):
    assert range_in_words(hint) == words


@settings
class Table:
    """A table."""

    count: Annotated[int, setting("How many.", ge=1)] = 3
    limit: Annotated[int, setting("At most.", ge=1)] | None = None
    plain: str = "x"


def test_a_table_is_described_in_its_order():
    assert described(Table) == [
        Described("count", "a whole number of at least 1", 3, "How many."),
        Described("limit", "a whole number of at least 1", None, "At most."),
        Described("plain", "text", "x", ""),
    ]
