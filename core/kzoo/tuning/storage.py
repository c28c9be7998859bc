"""Where Optuna keeps a study: a file in its folder, or what an address names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kzoo.errors import KzooError
from kzoo.tuning.samplers import load_optuna

if TYPE_CHECKING:
    from kzoo.tuning.folder import StudyFolder

__all__ = ["address_in", "open_storage", "refused"]

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
    except Exception as error:
        raise refused(address, error) from error


def refused(address: str, error: Exception) -> KzooError:
    """Return the error of a storage that cannot be used."""
    reason = str(error).partition("\n")[0].rstrip(".") or type(error).__name__
    return KzooError(f"The storage of the study, {address}, cannot be opened: {reason}.")
