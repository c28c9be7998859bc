"""What stands before gradio: only what the page needs is answered, to the page itself, which may ask nobody else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, MutableMapping

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]

__all__ = ["POLICY", "Guard"]

_ALLOWED = (
    "default-src 'self'",
    "script-src 'self' 'unsafe-inline' 'unsafe-eval'",  # gradio's page is made of both
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "font-src 'self' data:",
    "media-src 'self' blob:",
    "worker-src 'self' blob:",
    "connect-src 'self'",
    "object-src 'none'",
    "base-uri 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
)
POLICY = "; ".join(_ALLOWED)
"""What a browser may load for the page: nothing from another address, whatever gradio's code would like."""

_HEADERS = (
    (b"content-security-policy", POLICY.encode()),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"permissions-policy", b"camera=(self), microphone=(), geolocation=()"),
)

_API = "/gradio_api/"

_NEEDED = frozenset(
    {"app_id", "call", "component_server", "heartbeat", "info", "login_check", "queue", "run", "startup-events", "user"}
)
"""Parts of gradio's interface that its page uses; the others would fetch addresses or files, or take uploads."""

_OF_THIS_COMPUTER = frozenset({"127.0.0.1", "localhost", "::1"})


class Guard:
    """Wraps an application, as ASGI has it.

    Args:
        app: The application.
        hosts: The names by which it may be called; any where empty. A page of somebody else's whose name leads to this
            computer calls it by that name.
    """

    def __init__(self, app: Any, hosts: Collection[str] = _OF_THIS_COMPUTER) -> None:
        self.app, self.hosts = app, frozenset(hosts)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            return  # nothing of the page's comes in another way
        if why := self._refused(scope):
            await _refuse(send, why)
            return

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_HEADERS]
            await send(message)

        await self.app(scope, receive, sent)

    def _refused(self, scope: Message) -> str:
        """Return why a request is refused, or an empty text."""
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        host = headers.get("host", "")
        if self.hosts and _name_of(f"//{host}") not in self.hosts:
            return f"This page is called {' or '.join(sorted(self.hosts))}, not {host}."
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != host:
            return "Pages of other addresses may not ask this one."
        path = scope["path"]
        if path.startswith(_API) and path.removeprefix(_API).split("/")[0] not in _NEEDED:
            return "The page has no need of that."
        return ""


def _name_of(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:  # brackets that are not closed
        return ""


async def _refuse(send: Send, why: str) -> None:
    body = json.dumps({"detail": why}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": body})
