"""One file from a web address that a user typed: within a size and a time, and never from where it must not lead."""

from __future__ import annotations

import ipaddress
import socket
import time
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies

from kzoo._version import __version__
from kzoo.data.cache import readable_size
from kzoo.data.http import innermost
from kzoo.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["MOST_BYTES", "fetched", "is_local"]

MOST_BYTES = 64 * 2**20
"""The largest file: no camera's photo is, and any address may send without an end."""
MOST_HOPS = 5
CONNECT_TIMEOUT, READ_TIMEOUT = 8.0, 15.0
WHOLE_TIME = 60.0
"""Seconds for one file, whatever trickles in."""

_CHUNK = 1 << 16
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_OK = 200
_AGENT = f"kzoo/{__version__} (python-requests)"


class _LocalAddressError(Exception):
    """A redirect leads to an address of this machine or its own network."""


def fetched(url: str) -> bytes:
    """Return the bytes at a web address.

    The address may be one of this machine or of the network around it, as its user typed it. A redirect from anywhere
    else to such an address is refused: whoever runs that server could have this machine ask what only it can reach.
    Each hop is looked at when its connection is made, before anything is sent.

    Args:
        url: With the scheme ``http`` or ``https``.

    Raises:
        DataError: It cannot be reached, answers with an error, is larger than `MOST_BYTES` or takes longer than
            `WHOLE_TIME`, or a redirect leads where it must not.
    """
    until = time.monotonic() + WHOLE_TIME
    asked, locally = url, False
    with requests.Session() as session:
        session.headers.update({"User-Agent": _AGENT, "Accept-Encoding": "identity"})
        for hop in range(MOST_HOPS + 1):
            may_be_local = hop == 0 or (locally and _host(asked) == _host(url))
            guard = _Guard(may_be_local=may_be_local)
            for scheme in ("http://", "https://"):
                session.mount(scheme, _GuardedAdapter(guard))
            if not may_be_local and get_environ_proxies(asked):
                guard.check_named(_host(asked), url, asked)  # the proxy connects, and asks nobody
            with _asked(session, asked, url) as response:
                locally = guard.met_local if hop == 0 else locally
                if response.status_code not in _REDIRECTS or "Location" not in response.headers:
                    return _body(response, url, until)
                asked = urljoin(asked, response.headers["Location"])
            if urlsplit(asked).scheme.lower() not in ("http", "https"):
                message = f"`{url}` leads to `{asked}`, which is no web address, and is not followed."
                raise DataError(message)
    message = f"`{url}` leads on more than {MOST_HOPS} times and is not followed further."
    raise DataError(message)


def _asked(session: requests.Session, asked: str, url: str) -> requests.Response:
    try:
        return session.get(asked, stream=True, allow_redirects=False, timeout=(CONNECT_TIMEOUT, READ_TIMEOUT))
    except _LocalAddressError as error:
        raise DataError(_refused(url, asked, str(error))) from error
    except requests.exceptions.Timeout as error:
        message = f"`{url}` did not answer within {READ_TIMEOUT:.0f} seconds."
        raise DataError(message) from error
    except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
        message = f"`{url}` cannot be reached: {_reason(error)}."
        raise DataError(message) from error


def _body(response: requests.Response, url: str, until: float) -> bytes:
    """Return what a server sends, as long as it is neither an error, nor too large, nor too slow."""
    if response.status_code != _OK:
        message = f"`{url}` answered {response.status_code} {response.reason}."
        raise DataError(message)
    said = response.headers.get("Content-Length", "")
    if said.isdecimal() and int(said) > MOST_BYTES:
        message = f"`{url}` is {readable_size(int(said))}, and the limit is {readable_size(MOST_BYTES)}."
        raise DataError(message)
    found = bytearray()
    try:
        for chunk in response.raw.stream(_CHUNK, decode_content=True):
            found += chunk
            if len(found) > MOST_BYTES:
                message = f"`{url}` sends more than {readable_size(MOST_BYTES)}, which is the limit."
                raise DataError(message)
            if time.monotonic() > until:
                message = f"`{url}` did not come within {WHOLE_TIME:.0f} seconds: {readable_size(len(found))} had."
                raise DataError(message)
    except (urllib3.exceptions.HTTPError, OSError) as error:
        message = f"`{url}` broke off after {readable_size(len(found))}: {_reason(error)}."
        raise DataError(message) from error
    if said.isdecimal() and "Content-Encoding" not in response.headers and len(found) < int(said):
        message = f"`{url}` broke off after {readable_size(len(found))} of {readable_size(int(said))}."
        raise DataError(message)
    return bytes(found)


class _Guard:
    """Looks at the address that a connection was made to, before anything is sent.

    Args:
        may_be_local: Whether it may be one of this machine or its own network.

    Attributes:
        met_local: Whether it was.
    """

    def __init__(self, *, may_be_local: bool) -> None:
        self._may_be_local = may_be_local
        self.met_local = False

    def check(self, address: str) -> None:
        """Raise `_LocalAddressError` for an address that must not be asked."""
        self.met_local = is_local(address)
        if self.met_local and not self._may_be_local:
            raise _LocalAddressError(address)

    def check_named(self, host: str, url: str, asked: str) -> None:
        """Raise `DataError` for a host of which an address must not be asked, where a proxy makes the connection."""
        try:
            found = {str(entry[4][0]) for entry in socket.getaddrinfo(host, None)}
        except OSError:
            return  # known to the proxy alone: no host of this network
        if local := next(filter(is_local, sorted(found)), ""):
            raise DataError(_refused(url, asked, local))


class _GuardedAdapter(HTTPAdapter):
    """Makes connections that a guard looks at; those to a proxy are the proxy's own."""

    def __init__(self, guard: _Guard) -> None:
        self._guard = guard
        super().__init__()

    def init_poolmanager(self, *given: Any, **more: Any) -> None:
        """Make the pools of connections, of kinds that are looked at."""
        super().init_poolmanager(*given, **more)
        pools: Any = {
            "http": _pool(urllib3.HTTPConnectionPool, self._guard),
            "https": _pool(urllib3.HTTPSConnectionPool, self._guard),
        }
        self.poolmanager.pool_classes_by_scheme = pools


def _pool(kind: Any, guard: _Guard) -> Callable[..., Any]:
    """Return what makes a pool whose connections a guard looks at once they are made."""

    def made(*given: Any, **more: Any) -> Any:
        pool = kind(*given, **more)
        pool.ConnectionCls = partial(_guarded(kind.ConnectionCls), guard)
        return pool

    return made


def _guarded(kind: Any) -> Any:
    """Return a kind of connection that shows a guard the address it reached."""

    class Guarded(kind):  # type: ignore[misc]
        def __init__(self, guard: _Guard, *given: Any, **more: Any) -> None:
            self._guard = guard
            super().__init__(*given, **more)

        def _new_conn(self) -> Any:
            made = super()._new_conn()
            try:
                self._guard.check(str(made.getpeername()[0]))
            except BaseException:
                made.close()
                raise
            return made

    return Guarded


def is_local(address: str) -> bool:
    """Return whether an address is of this machine, its own network, or otherwise none of the public internet.

    Example:
        >>> [is_local(one) for one in ("127.0.0.1", "169.254.169.254", "fe80::1%eth0", "::ffff:10.0.0.1", "1.1.1.1")]
        [True, True, True, True, False]
    """
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        found = found.ipv4_mapped or found.sixtofour or found
    return not found.is_global or found.is_multicast


def _host(url: str) -> str:
    return (urlsplit(url).hostname or "").lower()


def _refused(url: str, asked: str, address: str) -> str:
    return (
        f"`{url}` leads to `{asked}`, which is at {address}, an address of this machine or its own network, and is not "
        "followed. If you mean it, name that address itself."
    )


def _reason(error: BaseException) -> str:
    """Return the reason behind a network error, in one line."""
    reason = innermost(error)
    return str(reason).rpartition(": ")[2].splitlines()[0].rstrip(".") if str(reason) else type(reason).__name__
