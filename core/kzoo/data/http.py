"""One download over HTTP that can be taken up again where it broke off."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, NoReturn, Protocol

import requests
import urllib3.exceptions

from kzoo.data.cache import DiskFullError, ensure_room, readable_size
from kzoo.errors import DataError, NetworkUnreachableError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Progress", "Transfer", "innermost"]

CONNECT_TIMEOUT = 8.0
"""Seconds to wait for a connection: enough for a slow network, short enough to fall back without one."""
READ_TIMEOUT = 30.0
"""Seconds without a single byte after which a connection counts as lost."""
RETRY_PAUSES = (1.0, 3.0)
"""Seconds to wait before each further attempt after a connection was lost."""
CHUNK = 1 << 17

_OK, _PARTIAL, _RANGE_NOT_SATISFIABLE = 200, 206, 416
_BUSY = frozenset({429, 502, 503, 504})
_DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class Progress(Protocol):
    """What is called while a file is downloaded."""

    def __call__(self, done: int, total: int | None, filename: str, /) -> None:
        """Take note that ``done`` of ``total`` bytes (None: unknown) of ``filename`` are here."""


class _Interrupted(Exception):  # noqa: N818 - never leaves this module; it is a state of the transfer, not an error shown
    """The connection was lost; what came through is kept."""


@dataclass(frozen=True)
class _Origin:
    """What the server said of the file that the kept bytes are from, so that two versions are never glued together."""

    url: str
    etag: str | None
    last_modified: str | None
    total: int | None

    @property
    def validator(self) -> str | None:
        """The value for ``If-Range``: a strong ETag, else the date (RFC 9110 forbids weak ETags there)."""
        if self.etag and not self.etag.startswith("W/"):
            return self.etag
        return self.last_modified


class Transfer:
    """The download of one file, which keeps what it has in a ``.part`` file and is resumed by a later one.

    Args:
        path: The final path of the file; ``.part`` and ``.part.json`` are kept beside it.
        size: The number of bytes of the whole file, None if unknown.
        progress: Called before the first and after every chunk.

    Attributes:
        part: Where the bytes are, until whoever asked for them has checked them and gives them their name.
        resumed: Whether the last file brought begins with bytes from an earlier connection.
    """

    def __init__(self, path: Path, size: int | None, progress: Progress | None) -> None:
        self.path = path
        self.size = size
        self.progress = progress
        self.part = path.with_name(f"{path.name}.part")
        self.note = path.with_name(f"{path.name}.part.json")
        self.resumed = False

    def bring(self, url: str) -> Path:
        """Bring the whole file at ``url`` to `part`, and return that path.

        Raises:
            NetworkUnreachableError: No connection to the host could be made.
            DataError: The host refused, the connection was lost for good, or the disk is full.
        """
        self.resumed = False
        for pause in (*RETRY_PAUSES, None):
            try:
                self._transfer(url)
            except _Interrupted as error:
                if pause is None:
                    message = (
                        f"The download of {self.path.name} from {url} was interrupted: {error}. What came through "
                        f"({readable_size(self._kept())}) is kept: run the same command again to resume."
                    )
                    raise DataError(message) from error
                time.sleep(pause)
            else:
                break
        return self.part

    def discard(self) -> None:
        """Remove what is kept of the download."""
        self.part.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)

    def _transfer(self, url: str) -> None:
        """Ask for the bytes that are missing and append them, or start over where that is not safe."""
        origin, kept = self._kept_origin(url), self._kept()
        if origin is not None and kept == origin.total:
            self.resumed = True
            return  # the process ended between the last byte and the checksum
        headers = {"Accept-Encoding": "identity"}  # ranges count the bytes sent, so they must be the file's own
        if origin is not None:
            headers["Range"] = f"bytes={kept}-"
            if origin.validator:
                headers["If-Range"] = origin.validator
        with self._connect(url, headers) as response:
            if origin is not None and response.status_code in (_PARTIAL, _RANGE_NOT_SATISFIABLE):
                if response.status_code == _PARTIAL and _continues(response, origin, kept):
                    self.resumed = True
                    self._receive(response, origin, kept)
                    return
            elif response.status_code == _OK:
                self.resumed = False
                self._receive(response, self._origin_of(response, url), 0)
                return
            elif response.status_code in _BUSY:
                message = f"the host answered {response.status_code} {response.reason}"
                raise _Interrupted(message)
            else:
                message = (
                    f"{self.path.name} cannot be downloaded: {url} answered "
                    f"{response.status_code} {response.reason}. Try again later, or get the file in another way and "
                    "name it with --data PATH."
                )
                raise DataError(message)
        # The kept bytes are of another file than the one offered now: without them, the whole file is asked for.
        self.discard()
        self._transfer(url)

    def _connect(self, url: str, headers: dict[str, str]) -> requests.Response:
        try:
            return requests.get(url, headers=headers, stream=True, timeout=(CONNECT_TIMEOUT, READ_TIMEOUT))
        except requests.exceptions.SSLError as error:
            message = (
                f"No secure connection to {url} for {self.path.name}: {error}. Check the computer's clock and "
                "certificates, or get the file in another way and name it with --data PATH."
            )
            raise DataError(message) from error
        except (requests.exceptions.ConnectTimeout, requests.exceptions.ProxyError) as error:
            self._unreachable(url, error)
        except requests.exceptions.ConnectionError as error:
            cause = error.args[0] if error.args else None
            reason = getattr(cause, "reason", None)
            if isinstance(reason, urllib3.exceptions.NewConnectionError):
                self._unreachable(url, error)
            message = f"the host closed the connection ({_short(error)})"
            raise _Interrupted(message) from error
        except requests.exceptions.Timeout as error:
            message = f"no answer within {READ_TIMEOUT:.0f} seconds"
            raise _Interrupted(message) from error
        except requests.exceptions.RequestException as error:
            message = f"{self.path.name} cannot be downloaded from {url}: {error}"
            raise DataError(message) from error

    def _unreachable(self, url: str, error: Exception) -> NoReturn:
        message = f"{url} cannot be reached for {self.path.name} ({_short(error)})."
        if kept := self._kept():
            message += f" The {readable_size(kept)} that came through earlier are kept."
        raise NetworkUnreachableError(message) from error

    def _origin_of(self, response: requests.Response, url: str) -> _Origin:
        length = response.headers.get("Content-Length", "")
        plain = response.headers.get("Content-Encoding", "identity") == "identity"
        origin = _Origin(
            url=url,
            etag=response.headers.get("ETag"),
            last_modified=response.headers.get("Last-Modified"),
            total=int(length) if length.isdecimal() and plain else None,
        )
        if self.size is not None and origin.total not in (None, self.size):
            self._wrong_size(url, f"{origin.total} bytes")
        return origin

    def _wrong_size(self, url: str, found: str) -> NoReturn:
        self.discard()
        message = (
            f"{url} offers another file than the known {self.path.name}: expected {self.size} bytes, found {found}. "
            "It was changed by its publisher, or something in between answered in its place (a login page, a proxy). "
            "Get the file in another way and name it with --data PATH."
        )
        raise DataError(message)

    def _receive(self, response: requests.Response, origin: _Origin, start: int) -> None:
        """Write the body behind the first ``start`` bytes of the part file."""
        total = origin.total if origin.total is not None else self.size
        done = start
        try:
            if total is not None:
                kept = 0 if start else self._kept()  # starting over gives these back first
                ensure_room(self.part.parent, total - start - kept, f"the download of {self.path.name}")
            with self.part.open("ab" if start else "wb") as file:
                # After the file was emptied, never before: the note must not vouch for older bytes.
                self.note.write_text(json.dumps(asdict(origin)), encoding="utf-8")
                self._tell(done, total)
                for chunk in response.raw.stream(CHUNK, decode_content=False):
                    done += len(chunk)
                    if self.size is not None and done > self.size:
                        self._wrong_size(origin.url, "more")
                    file.write(chunk)
                    self._tell(done, total)
                file.flush()
                os.fsync(file.fileno())
        except urllib3.exceptions.HTTPError as error:
            message = f"connection lost after {readable_size(done)} ({_short(error)})"
            raise _Interrupted(message) from error
        except OSError as error:
            self._cannot_write(error, total)
        if total is not None and done < total:
            message = f"connection lost after {readable_size(done)} of {readable_size(total)}"
            raise _Interrupted(message)

    def _cannot_write(self, error: OSError, total: int | None) -> NoReturn:
        if error.errno not in _DISK_FULL:
            message = f"The download of {self.path.name} cannot be written to {self.part.parent}: {error.strerror}."
            raise DataError(message) from error
        # A full disk hurts every program on it: room now is worth more than the bytes kept.
        self.discard()
        needed = total if total is not None else self.size
        if needed is not None:
            ensure_room(self.part.parent, needed, f"the download of {self.path.name}")
        message = (
            f"The disk of {self.part.parent} was full during the download of {self.path.name} ({error.strerror}). "
            "Make room, or name a folder on another disk with the environment variable KZOO_DATA."
        )
        raise DiskFullError(message) from error

    def _tell(self, done: int, total: int | None) -> None:
        if self.progress is not None:
            self.progress(done, total, self.path.name)

    def _kept(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    def _kept_origin(self, url: str) -> _Origin | None:
        """Return what is known of the kept bytes, or None if they cannot be built upon."""
        origin = None
        with contextlib.suppress(OSError, ValueError, TypeError):  # no note, or a damaged one: start over
            origin = _Origin(**json.loads(self.note.read_text(encoding="utf-8")))
        kept = self._kept()
        if origin is None or origin.url != url or kept == 0 or (origin.total is not None and kept > origin.total):
            return None
        return origin


def _continues(response: requests.Response, origin: _Origin, kept: int) -> bool:
    """Return whether a partial answer is the rest of the same file; some servers ignore ``If-Range``."""
    span = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
    if span is None or int(span[1]) != kept:
        return False
    if origin.total is not None and span[2] not in ("*", str(origin.total)):
        return False
    seen = (response.headers.get("ETag"), response.headers.get("Last-Modified"))
    known = (origin.etag, origin.last_modified)
    return all(now in (None, then) for now, then in zip(seen, known, strict=True))


def innermost(error: BaseException) -> BaseException:
    """Return the innermost reason of a network error: `requests` nests several, each repeating the address."""
    inner = getattr(error, "reason", None) or (error.args[0] if error.args else None)
    return innermost(inner) if isinstance(inner, BaseException) else error


def _short(error: BaseException) -> str:
    reason = innermost(error)
    # Before the reason stands the connection, as an object or with the host that the message names already.
    return re.sub(r"^(<[^>]*>|\w+\([^)]*\)): ", "", str(reason))
