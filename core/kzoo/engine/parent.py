"""What a worker on this machine knows of the process that started it, which tells it through its stdin.

Lines say why another worker is gone. Where stdin ends, that process is gone itself, and the worker stops as by SIGTERM:
nobody would look after it any more.
"""

from __future__ import annotations

import os
import signal
import sys
import threading

from kzoo.engine.cluster import LOCAL_WORKER, is_local_worker

__all__ = ["listen", "reason", "threads"]

_PATIENCE = 3.0  # seconds in which the reason comes: the other process ended a moment ago
_told: list[str] = []
_came = threading.Event()


def threads() -> int:
    """Return the threads that this process may take, 0 for all."""
    return int(os.environ.get(LOCAL_WORKER) or 0)


def listen() -> None:
    """Begin to listen, in a thread."""
    threading.Thread(target=_listen, name="kzoo-parent", daemon=True).start()


def reason() -> str:
    """Return why another worker is gone, or an empty text where nobody tells."""
    if is_local_worker():
        _came.wait(_PATIENCE)
    return _told[0] if _told else ""


def _listen() -> None:
    if sys.stdin is None:
        return
    for line in sys.stdin:
        _told.append(line.strip())
        _came.set()
    os.kill(os.getpid(), signal.SIGTERM)
