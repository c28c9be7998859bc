"""Where Optuna keeps a study: a file in its folder, or what an address names."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Any

from kzoo.errors import KzooError
from kzoo.tuning.samplers import load_optuna

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kzoo.tuning.folder import StudyFolder

__all__ = ["address_in", "open_storage", "shown", "using"]

_BUSY = 60.0
"""Seconds in which another process that writes to the same file comes to its end."""


def address_in(folder: StudyFolder) -> str:
    """Return the address of the storage in the study's own folder."""
    return f"sqlite:///{folder.database.resolve()}"


def open_storage(address: str) -> Any:
    """Return Optuna's storage at an address; one in a file waits for other processes that write to it.

    Raises:
        KzooError: There is none, or it is none of Optuna's.
    """
    optuna = load_optuna()
    try:
        if address.startswith("sqlite"):
            return optuna.storages.RDBStorage(address, engine_kwargs={"connect_args": {"timeout": _BUSY}})
        return optuna.storages.get_storage(address)
    except Exception as error:  # of Optuna, of SQLAlchemy, or of a driver that is not installed
        raise _refused(address, error, "opened") from error


@contextlib.contextmanager
def using(address: str) -> Iterator[None]:
    """Do what reads and writes a storage; raise `KzooError` where that fails."""
    from optuna.exceptions import OptunaError
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (OptunaError, SQLAlchemyError, OSError) as error:
        raise _refused(address, error, "used") from error


def shown(address: str) -> str:
    """Return an address as it may be read by others: without its password."""
    return re.sub(r"(?<=://)([^/@:]*):[^/@]*@", r"\1:***@", address)


def _refused(address: str, error: Exception, what: str) -> KzooError:
    reason = str(error).partition("\n")[0].rstrip(".") or type(error).__name__
    return KzooError(f"The storage of the study, {shown(address)}, cannot be {what}: {reason}.")
