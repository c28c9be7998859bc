"""How far a text that was read is from the true one: edits, and the symbols that they are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["aligned", "edit_distance"]

_T = TypeVar("_T")


def edit_distance(true: Sequence[_T], said: Sequence[_T]) -> int:
    """Return how many symbols must be put in, left out or replaced at least to make one sequence of the other.

    Args:
        true: A text, or a sequence of words.
        said: Another one.

    Example:
        >>> edit_distance("kitten", "sitting"), edit_distance("a b".split(), "a c b".split())
        (3, 1)

    References:
        - [Levenshtein, 1966](https://nymity.ch/sybilhunting/pdf/Levenshtein1966a.pdf), Binary codes capable of
          correcting deletions, insertions and reversals
    """
    return 0 if true == said else _table(true, said)[-1][-1]


def aligned(true: Sequence[_T], said: Sequence[_T]) -> list[tuple[_T | None, _T | None]]:
    """Return the pairs of symbols that belong together by the fewest edits; None stands where there is none.

    Of several ways with as few edits the one is taken that replaces symbols latest, always the same.

    Example:
        >>> aligned("cat", "at")
        [('c', None), ('a', 'a'), ('t', 't')]
    """
    if true == said:
        return list(zip(true, said, strict=True))
    table = _table(true, said)
    row, column = len(true), len(said)
    found: list[tuple[_T | None, _T | None]] = []
    while row or column:
        here = table[row][column]
        if row and column and here == table[row - 1][column - 1] + (true[row - 1] != said[column - 1]):
            row, column = row - 1, column - 1
            found.append((true[row], said[column]))
        elif row and here == table[row - 1][column] + 1:
            row -= 1
            found.append((true[row], None))
        else:
            column -= 1
            found.append((None, said[column]))
    return found[::-1]


def _table(true: Sequence[_T], said: Sequence[_T]) -> list[list[int]]:
    """Return the fewest edits between the first symbols of both, in the row and column of their numbers."""
    table = [list(range(len(said) + 1))]
    for number, symbol in enumerate(true, 1):
        above, row = table[-1], [number]
        for place, other in enumerate(said):
            row.append(min(above[place] + (symbol != other), above[place + 1] + 1, row[place] + 1))
        table.append(row)
    return table
