"""Pictures at web addresses as a source, one after the other."""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from kzoo.data.decoding import UnreadableImageError, read_image
from kzoo.data.frames.items import Failure, Frame, Item, Part, Source
from kzoo.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["WebImageSource", "name_at"]


class WebImageSource(Source):
    """The pictures at web addresses; see `kzoo.data.web.fetched` for what is refused.

    Args:
        urls: The addresses, in order.
        part: ``every`` and ``max_frames`` count them.
        fetch: Returns the bytes at an address.
    """

    def __init__(
        self, urls: Sequence[str], part: Part | None = None, *, fetch: Callable[[str], bytes] | None = None
    ) -> None:
        super().__init__(urls[0] if len(urls) == 1 else "web addresses", "images", part or Part())
        self.urls = list(urls)
        self._fetch = fetch or _fetched

    def __iter__(self) -> Iterator[Item]:
        """Yield a frame for each address, or a `Failure` that says why there is none."""
        chosen = itertools.islice(enumerate(self.urls), 0, None, self.part.every)
        for index, url in itertools.islice(chosen, self.part.max_frames):
            if self.closed:
                return
            yield self._read(index, url)

    def _read(self, index: int, url: str) -> Item:
        try:
            content = self._fetch(url)
            with tempfile.TemporaryDirectory(prefix="kzoo-") as folder:
                place = Path(folder) / f"picture{name_at(url).suffix}"
                place.write_bytes(content)
                return Frame(index=index, origin=url, pixels=read_image(place))
        except UnreadableImageError as error:
            message = f"`{url}` cannot be read as an image: {error.reason}."
        except DataError as error:
            message = str(error)
        except OSError as error:
            message = f"`{url}` could not be kept while it was read: {error.strerror or error}."
        return Failure(index=index, origin=url, error=message)


def name_at(url: str) -> PurePosixPath:
    """Return the name of the file at an address.

    Example:
        >>> name_at("https://example.org/a/big%20dog.JPG?width=3")
        PurePosixPath('big dog.JPG')
    """
    return PurePosixPath(PurePosixPath(unquote(urlsplit(url).path)).name)


def _fetched(url: str) -> bytes:
    from kzoo.data.web import fetched  # with requests, which files need not

    return fetched(url)
