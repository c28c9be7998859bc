"""From ``ray`` or ``ray://HOST`` to a cluster that work can be given to; one that was started here ends here.

Ray's own part of the work is left to Ray: what is here chooses its settings, and says in words what it could not do.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import signal
import socket
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from kzoo.cluster.places import CLIENT_PORT
from kzoo.errors import KzooError, words_of
from kzoo.files import scratch_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["OBJECT_STORE", "Cluster", "connected", "in_words", "ray_module"]

OBJECT_STORE = 160 * 2**20
"""Bytes of shared memory that a cluster of our own sets aside for what goes between its processes."""

_PATIENCE = 10.0  # seconds in which a host must answer

_SLOW_MACHINES = {
    # Ray's own are made for servers: on a slow or a busy machine its processes are late, and Ray gives up on them.
    "RAY_raylet_start_wait_time_s": "300",
    "RAY_worker_register_timeout_seconds": "300",
    "RAY_gcs_server_request_timeout_seconds": "300",
    "RAY_gcs_rpc_server_connect_timeout_s": "60",
    "RAY_health_check_timeout_ms": "60000",
    "RAY_health_check_initial_delay_ms": "60000",
    "RAY_agent_register_timeout_ms": "300000",
}
_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing is sent to anybody
    "RAY_DEDUP_LOGS": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "1",  # a run that asked for no GPU sees none; unset, Ray warns
}
_PREFIX = "kzoo-ray-"
_TRIES = 2  # of starting a cluster: that a raylet is there within 30 seconds is fixed in Ray


@dataclass(frozen=True)
class Cluster:
    """A cluster that is connected.

    Attributes:
        ray: The module.
        on: What was asked for.
        own: Whether it was started for this.
        logs: The folder of what its processes on this machine write; None where it is somebody's.
    """

    ray: Any
    on: str
    own: bool
    logs: Path | None = None


def ray_module() -> Any:
    """Return Ray; raise `KzooError` where it is not installed."""
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    try:
        import ray
    except ImportError as error:
        message = (
            f"`--on ray` needs Ray, which cannot be imported: {words_of(error)}. Install it with "
            "`pip install 'kzoo[ray]'`."
        )
        raise KzooError(message) from error
    return ray


@contextlib.contextmanager
def connected(on: str, *, processors: int, object_store: int = OBJECT_STORE) -> Iterator[Cluster]:
    """Yield a cluster, and leave it when the block ends; one that was started here has ended then.

    Args:
        on: ``ray`` or ``ray://HOST[:PORT]``.
        processors: How many processors of this machine a cluster that is started here may use.
        object_store: Bytes of shared memory that it sets aside.

    Raises:
        KzooError: Ray is not installed, the host does not answer, or the cluster is of other versions.
    """
    named = on if on != "ray" else os.environ.get("RAY_ADDRESS", "")
    if not named:
        for name, value in _SLOW_MACHINES.items():  # read when Ray is imported
            os.environ.setdefault(name, value)
    if named.startswith("ray://"):
        _reach(named)
    ray = ray_module()
    if ray.is_initialized():  # by the program that called us, whose cluster it is
        yield Cluster(ray, on, own=False)
        return
    if named:
        with _left(ray):
            _connect(ray, named)
            yield Cluster(ray, on, own=False)
        return
    with scratch_folder(_PREFIX) as folder, _left(ray):  # Ray's own, /tmp/ray, keeps the logs of each start for good
        _start(ray, folder, processors, object_store)
        yield Cluster(ray, on, own=True, logs=folder / "session_latest" / "logs")


def _start(ray: Any, folder: Path, processors: int, object_store: int) -> None:
    """Start a cluster on this machine."""
    for again in range(_TRIES):
        try:
            with _signals_kept():
                ray.init(
                    address="local",
                    num_cpus=processors,
                    object_store_memory=object_store,
                    include_dashboard=False,
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                    _temp_dir=str(folder),
                )
        except Exception as error:
            ray.shutdown()
            if again + 1 < _TRIES:
                continue
            message = (
                f"Ray did not start a cluster on this machine: {in_words(words_of(error))} It takes about 1 GB of "
                "memory and some free ports; without it, leave out --on and give --jobs N."
            )
            raise KzooError(message) from error
        else:
            return


def _connect(ray: Any, named: str) -> None:
    """Connect to a cluster that is there."""
    try:
        with _signals_kept():
            ray.init(address=named, log_to_driver=False, logging_level=logging.ERROR)
    except Exception as error:
        said = " ".join(words_of(error).split())
        if "version" in said.lower() and "Python" in said:
            message = (
                f"The cluster at {named} is of other versions than this machine, and Ray lets nobody in whose Ray or "
                f"Python differs: {in_words(said)} Use the same on both."
            )
        else:
            message = f"The cluster at {named} cannot be reached: {in_words(said)}"
        raise KzooError(message) from error


def in_words(said: str) -> str:
    """Return what Ray says of an error without its advice of many lines."""
    told = re.sub(r"\s+", " ", said).strip()
    return f"{told[:400].rstrip('.')}."


def _reach(address: str) -> None:
    """Raise `KzooError` where nothing answers at the address of a cluster; Ray itself would wait for minutes."""
    parts = urlsplit(address)
    host, port = parts.hostname or "", parts.port or CLIENT_PORT
    try:
        socket.create_connection((host, port), timeout=_PATIENCE).close()
    except OSError as error:
        message = (
            f"No cluster answers at {address}: {error.strerror or error}. Its head must have been started with "
            f"`ray start --head --ray-client-server-port={port}`, and port {port} be open from here."
        )
        raise KzooError(message) from error


@contextlib.contextmanager
def _left(ray: Any) -> Iterator[None]:
    """Leave the cluster when the block ends, however it does."""
    try:
        yield
    finally:
        with _signals_kept():
            ray.shutdown()


@contextlib.contextmanager
def _signals_kept() -> Iterator[None]:
    """Have SIGTERM handled as before the block: Ray takes it, and would end the program without a word to its runs."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if before is not None:
            signal.signal(signal.SIGTERM, before)
