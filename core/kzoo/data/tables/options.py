"""What a user may say of how a table is to be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from kzoo.settings import setting, settings

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["TableSettings"]


@settings
class TableSettings:
    """How a table is to be read."""

    target: Annotated[str, setting("The column to predict; the last one where empty.")] = ""
    exclude: Annotated[str | tuple[str, ...], setting("Columns to leave out: a list, or names with commas.")] = ()
    categorical: Annotated[
        str | tuple[str, ...], setting("Columns of numbers that name categories, such as a postal code.")
    ] = ()
    numeric: Annotated[
        str | tuple[str, ...], setting("Columns that are numbers though zeros stand before them, such as 0042.")
    ] = ()
    decimal: Annotated[
        Literal["", ".", ","], setting("The decimal sign of the file, where its numbers do not show it.")
    ] = ""
    max_categories: Annotated[int, setting("The most different texts that a column may hold.", ge=1)] = 50
    test_fraction: Annotated[
        float,
        setting("The part of the rows kept for the test; always the same for the same number of rows.", gt=0, lt=1),
    ] = 0.2

    @property
    def excluded(self) -> tuple[str, ...]:
        """The columns to leave out."""
        return _names(self.exclude)

    @property
    def categories(self) -> tuple[str, ...]:
        """The columns that name categories."""
        return _names(self.categorical)

    @property
    def numbers(self) -> tuple[str, ...]:
        """The columns that are numbers whatever stands before them."""
        return _names(self.numeric)


def _names(given: str | Sequence[str]) -> tuple[str, ...]:
    """Return names from a list, or from a text with commas between."""
    if isinstance(given, str):
        return tuple(name.strip() for name in given.split(",") if name.strip())
    return tuple(given)
