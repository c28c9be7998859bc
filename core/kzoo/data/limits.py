"""What data files may be, before anything of them is read: real files, and none that grow out of proportion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kzoo.data.cache import readable_size
from kzoo.errors import DataError
from kzoo.files import kind_of

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["MAX_ARRAY_BYTES", "MAX_RATIO", "SMALL", "check_regular", "growth_fault"]

MAX_ARRAY_BYTES = 4 * 10**9
"""Arrays that are read into memory may take no more than this."""
MAX_RATIO = 200
"""Images and arrays shrink by 2 to 20; a file that grows more than this is made to fill a disk or a memory."""
SMALL = 64 * 10**6
"""Up to here the ratio is not looked at: a few blank images may shrink by any factor."""


def check_regular(path: Path) -> None:
    """Raise `DataError` for a pipe, a socket or a device: reading one may never end. What does not exist passes."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return  # whoever opens it says what is wrong
    kind = kind_of(mode)
    if not kind:
        return
    message = f"{path} is {kind}, not a file: data is read several times over. Write it to a file and name that."
    raise DataError(message)


def growth_fault(packed: int, total: int, most: int) -> str:
    """Return why what ``packed`` bytes unpack to is refused, as the end of a sentence, or an empty text.

    Args:
        packed: The bytes of the file.
        total: The bytes that come out of it, as far as that is known.
        most: The most that may.
    """
    if total > most:
        limit = f"the limit is {readable_size(most)}"
    elif total > SMALL and total > MAX_RATIO * packed:
        limit = f"no data set shrinks by more than {MAX_RATIO} times"
    else:
        return ""
    return f"its {readable_size(packed)} would unpack to {readable_size(total)} or more, and {limit}"
