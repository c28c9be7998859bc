"""The demo's server: its address, the application behind it, and its end."""

from __future__ import annotations

import contextlib
import socket
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kzoo.demo.guard import Guard
from kzoo.demo.page import build, gradio, theme
from kzoo.engine.interrupt import as_ctrl_c
from kzoo.errors import KzooError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kzoo.demo.showing import Shown

__all__ = ["HOST", "PORT", "application", "bound", "serve"]

HOST = "127.0.0.1"
PORT = 7860

_PATIENCE = 1  # seconds that open connections have to end


def bound(host: str = HOST, port: int = PORT) -> socket.socket:
    """Return a socket that listens at an address; port 0 means one that is free.

    Raises:
        KzooError: The address is not this computer's, or the port is taken.
    """
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or str(error)
        message = (
            f"The demo cannot listen at {host}, port {port}: {why}. Choose another port with --port N, or --port 0 "
            "for any that is free."
        )
        raise KzooError(message) from error


def address_of(listening: socket.socket) -> str:
    """Return where a browser finds what listens there."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def application(shown: Shown, cautions: Sequence[str] = (), *, anywhere: bool = False) -> Any:
    """Return the application of a model's page, for any server of ASGI applications.

    Args:
        shown: The model, loaded.
        cautions: What a user should know before it is believed.
        anywhere: Whether it may be called by other names than this computer's own.
    """
    gr = gradio()
    from fastapi import FastAPI

    app = gr.mount_gradio_app(
        FastAPI(openapi_url=None, docs_url=None, redoc_url=None),
        build(shown, cautions),
        path="",
        footer_links=[],
        run_history=False,
        allowed_paths=[],
        blocked_paths=[],
        root_path="",
        show_error=False,
        ssr_mode=False,
        enable_monitoring=False,
        pwa=False,
        mcp_server=False,
        theme=theme(),
    )
    return Guard(app, hosts=()) if anywhere else Guard(app)


def serve(shown: Shown, listening: socket.socket, cautions: Sequence[str] = (), *, anywhere: bool = False) -> None:
    """Answer browsers until Ctrl-C or SIGTERM; what gradio wrote to the disk is removed then.

    Args:
        shown: The model, loaded.
        listening: Where, from `bound`; it is closed.
        cautions: As for `application`.
        anywhere: As for `application`.

    Raises:
        KzooError: gradio is not installed, or the application does not start.
    """
    with contextlib.ExitStack() as ending:
        ending.callback(listening.close)
        ending.callback(shown.close)
        gradio(Path(ending.enter_context(tempfile.TemporaryDirectory(prefix="kzoo-demo-"))))
        import uvicorn

        config = uvicorn.Config(
            application(shown, cautions, anywhere=anywhere),
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=_PATIENCE,
        )
        ending.enter_context(contextlib.suppress(KeyboardInterrupt))  # which uvicorn raises again, when it has ended
        ending.enter_context(as_ctrl_c())
        server = uvicorn.Server(config)
        server.run(sockets=[listening])
        if not server.started:
            message = "The page could not be started, for the reason above. `kzoo predict` needs no page."
            raise KzooError(message)
