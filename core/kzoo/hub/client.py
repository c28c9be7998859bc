"""The client of the hub, huggingface_hub, and its errors in a paragraph each.

The token is found by huggingface_hub in its own places (``HF_TOKEN``, what ``hf auth login`` stored) and is seen by
nothing here. ``HF_ENDPOINT`` names another hub.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from kzoo._version import __version__
from kzoo.errors import DataError, KzooError, NetworkUnreachableError, UsageError, in_short, words_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kzoo.hub.address import Address

__all__ = ["client", "endpoint", "has_token", "told"]

_HUGGING_FACE = "https://huggingface.co"
_LOG_IN = "Log in with `hf auth login`, or set HF_TOKEN"
_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _TAKEN, _FULL = 401, 403, 404, 409, 412
_DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_BAD_PAGE = "Invalid metadata in README.md"
"""How huggingface_hub begins what the hub says of a page before anything is uploaded."""
_OF_THE_NETWORK = ("httpx", "httpcore", "requests", "urllib3")
"""The packages whose errors say that the network or the host failed: huggingface_hub has changed between them."""
_STATUS = re.compile(r"\((\d{3}) [A-Z]")
"""How hf_xet, which carries large files, writes what it was answered into an error of the network."""
_NO_HOST = ("Connect", "Proxy", "Pool", "NewConnection")


def client() -> Any:
    """Return the `huggingface_hub.HfApi` that all calls go through; what it would report of its use stays off.

    Raises:
        KzooError: huggingface_hub is not installed.
    """
    # Read when it is imported: neither how it is used nor what calls it is anybody's matter.
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    try:
        import huggingface_hub
    except ImportError as error:
        message = (
            f"Addresses on the hub need `huggingface_hub`, which cannot be imported: {words_of(error)}. Install it "
            "with `pip install 'kzoo[hub]'`."
        )
        raise KzooError(message) from error
    if not sys.stderr.isatty():
        from huggingface_hub.utils.tqdm import disable_progress_bars

        disable_progress_bars()
    return huggingface_hub.HfApi(endpoint=_named(), library_name="kzoo", library_version=__version__)


def endpoint() -> str:
    """Return the hub that is in force, without a name or password that its address may hold."""
    parts = urlsplit(_named())
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _named() -> str:
    named = os.environ.get("HF_ENDPOINT", "").strip().rstrip("/") or _HUGGING_FACE
    if not re.match("https?://[^/]", named):
        message = f"HF_ENDPOINT names no hub: `{in_short(named)}` does not begin with https:// and a host."
        raise UsageError(message)
    return named


def has_token() -> bool:
    """Return whether huggingface_hub finds a token."""
    client()
    import huggingface_hub

    return huggingface_hub.get_token() is not None


@contextlib.contextmanager
def told(doing: str, address: Address) -> Iterator[None]:
    """Say what went wrong between this machine and the hub in one paragraph.

    Args:
        doing: What is being done, as the subject of a sentence: ``The download of model.keras``.
        address: Where.

    Raises:
        KzooError: In place of whatever huggingface_hub raises; `NetworkUnreachableError` where there is no host.
    """
    try:
        yield
    except KzooError:
        raise
    except Exception as error:
        said = _in_words(error, doing, address)
        if said is None:
            raise
        raise said from error


def _in_words(error: BaseException, doing: str, address: Address) -> KzooError | None:
    """Return what an exception means, or that which it came from; None where it is none of the hub's."""
    if isinstance(error, ValueError) and (words := words_of(error)).startswith(_BAD_PAGE):
        reason = in_short(words.removeprefix(_BAD_PAGE).lstrip(". -")).rstrip(".")
        return KzooError(
            f"{doing} was refused by {endpoint()}: what the page says on top is not as it should be there ({reason}). "
            "A license is named as on https://hf.co/docs/hub/repositories-licenses."
        )
    causes = [error]
    while (cause := causes[-1].__cause__) is not None:
        causes.append(cause)
    for one in causes:
        if said := _of_hub(one, doing, address) or _of_system(one, doing, address):
            return said
    if any(type(one).__module__.startswith("huggingface_hub") for one in causes):
        return KzooError(f"{doing} failed: {in_short(words_of(error))}. Try it again later.")
    return None


def _of_hub(error: BaseException, doing: str, address: Address) -> KzooError | None:
    """Return what an answer of the hub means; None where it is no answer."""
    from huggingface_hub import errors

    where, page = endpoint(), f"{endpoint()}/{address.repository}"
    if isinstance(error, errors.FileMetadataError):
        return DataError(
            f"{doing} failed: what answers at {where} does not say which commit its files are of, as a hub does. Check "
            "HF_ENDPOINT where it is set, and whether a proxy or a login page stands in between."
        )
    if isinstance(error, errors.GatedRepoError):
        return KzooError(
            f"{address} is gated: its owner gives it to those who ask. Ask on {page}, and when you have access: "
            f"{_LOG_IN}."
        )
    if isinstance(error, errors.RevisionNotFoundError):
        return KzooError(
            f"{address.repository} on {where} has no revision `{address.revision}`. Leave it out for the newest state, "
            f"or look at {page}/commits/main."
        )
    if isinstance(error, errors.RepositoryNotFoundError):
        return KzooError(
            f"There is no {address.repository} on {where} for you: the name is wrong, or it is private and no token "
            f"that may read it was sent. Check the name. {_LOG_IN}, where it is private."
        )
    if not isinstance(error, errors.HfHubHTTPError):
        return None
    reason = error.response.headers.get("X-Error-Message") or error.server_message or ""
    return _of_answer(error.response.status_code, in_short(reason), doing, address)


def _of_answer(status: int, reason: str, doing: str, address: Address) -> KzooError:
    """Return what the status of an answer means."""
    where, said = endpoint(), f" ({reason})" if reason else ""
    if status == _UNAUTHORIZED:
        text = f"{where} did not accept your token{said}: it is wrong or has expired. {_LOG_IN} to a new one."
    elif status == _FORBIDDEN:
        text = (
            f"{doing} was refused by {where}{said}: your token may not do this with {address.repository}. It needs "
            f"the right to write there. {_LOG_IN} to one that has it."
        )
    elif status in (_TAKEN, _FULL):
        text = f"{doing} was refused by {where}{said}: {address.repository} was changed meanwhile. Try it again."
    else:
        text = f"{doing} failed: {where} answered {status}{said}. Try it again later."
    return KzooError(text)


def _of_system(error: BaseException, doing: str, address: Address) -> KzooError | None:
    """Return what an error of the network or the disk means; None where it is neither."""
    from huggingface_hub import errors

    where = endpoint()
    if isinstance(error, errors.OfflineModeIsEnabled):
        return NetworkUnreachableError(
            f"{doing} needs {where}, and HF_HUB_OFFLINE forbids it. Unset it, or name a revision that was fetched "
            f"before: hf://{address.repository}@COMMIT."
        )
    if type(error).__module__.startswith(_OF_THE_NETWORK):
        kind, words = type(error).__name__, in_short(words_of(error))
        if kind.startswith(_NO_HOST):
            return NetworkUnreachableError(
                f"{doing} failed: {where} cannot be reached ({words}). Check the network, and HF_ENDPOINT where it is "
                f"set. What was fetched before needs no network by its commit: hf://{address.repository}@COMMIT."
            )
        return DataError(
            f"{doing} broke off: the connection to {where} was lost ({words or kind}). Nothing of it was kept; run "
            "the same command again."
        )
    if type(error).__module__.startswith("hf_xet") or isinstance(error, (ConnectionError, TimeoutError)):
        # hf_xet raises Python's own errors, and its answers are theirs.
        words = in_short(re.sub(r"://[^/@\s]*@", "://", words_of(error)))
        answered = _STATUS.search(words)
        if answered or isinstance(error, PermissionError):
            return _of_answer(int(answered[1]) if answered else _FORBIDDEN, words, doing, address)
        return DataError(
            f"{doing} broke off: the connection to {where}, or to where it stores files, was lost "
            f"({words or type(error).__name__}). Check the network, and run the same command again."
        )
    return _of_disk(error, doing) if isinstance(error, OSError) else None


def _of_disk(error: OSError, doing: str) -> KzooError | None:
    if error.errno in _DISK_FULL:
        return DataError(f"{doing} failed: the disk is full ({error.strerror}). Make room and try again.")
    if "Consistency check failed" in str(error):
        return DataError(
            f"{doing} broke off: fewer bytes came than the file has. Nothing of it was kept; run the command again."
        )
    return None
