"""The state of an unfinished run on the disk: numbers as tensors, the rest as JSON, in two slots.

A slot is a file of the safetensors format, which holds no code. It carries the SHA-256 of all that is in it. The slots
are written in turn and whole, so that there is always one that no crash can have touched. Tensors that rarely change,
such as the weights of the best epoch, lie in a file beside each slot and are written only when they have changed.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kzoo.errors import KzooError
from kzoo.files import open_regular, replacing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np

__all__ = ["DamagedStateError", "OtherStateError", "SavedState", "StateFolder", "digest", "remove_temporary_files"]

_FORM = 1
_SLOTS = ("a", "b")
_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{8}(\.\w+)?|\.tmp\w{6}")  # the second is how safetensors names its own


class DamagedStateError(KzooError):
    """A file of a state is not what was written."""


class OtherStateError(KzooError):
    """A state is of another network, optimizer or set of callbacks than those that are to go on from it."""


@dataclass(frozen=True)
class SavedState:
    """All that a training goes on from.

    Attributes:
        data: What JSON has, NaN and infinity included.
        tensors: Arrays by name.
        beside: Arrays by name that rarely change.
        beside_key: What tells one version of ``beside`` from the next; an empty text where there is none.
    """

    data: Mapping[str, Any]
    tensors: Mapping[str, np.ndarray]
    beside: Mapping[str, np.ndarray] = field(default_factory=dict)
    beside_key: str = ""


class StateFolder:
    """The two slots of one run.

    Args:
        path: The folder, ``state/`` of a run; made with the first write.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, state: SavedState) -> None:
        """Write a state into the slot of the older one; raise ``OSError`` where it cannot be written.

        The newer one of the two states that are there stays as it is.
        """
        self.path.mkdir(exist_ok=True)
        numbers = {slot: self._number(slot) for slot in _SLOTS}
        slot = min(_SLOTS, key=lambda name: numbers[name])
        beside = self._beside(slot)
        head = {"form": _FORM, "number": max(numbers.values()) + 1, "beside": state.beside_key}
        if not state.beside_key:
            beside.unlink(missing_ok=True)
        elif self._head(beside).get("beside") != state.beside_key:
            _write(beside, {"beside": state.beside_key}, {}, state.beside)
        _write(self._file(slot), head, state.data, state.tensors)

    def read(self) -> tuple[SavedState | None, list[str]]:
        """Return the newest state that is whole, and a sentence for each newer one that is not.

        The state is None where there is none that is whole.
        """
        faults: list[str] = []
        there = [slot for slot in _SLOTS if self._file(slot).exists()]
        numbers = {slot: self._number(slot) for slot in there}
        # One whose number cannot be read may have been the newest.
        for slot in sorted(there, key=lambda one: (numbers[one] < 0, numbers[one]), reverse=True):
            try:
                return self._read(slot), faults
            except DamagedStateError as error:
                faults.append(str(error))
        return None, faults

    def newest(self) -> int:
        """Return the number of the newest state whose head can be read, without reading its tensors; 0 for none."""
        return max(0, *(self._number(slot) for slot in _SLOTS))

    def remove(self) -> None:
        """Remove the slots, and the folder where nothing else is in it."""
        for slot in _SLOTS:
            self._file(slot).unlink(missing_ok=True)
            self._beside(slot).unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # somebody put something of his own there, or it does not exist
            self.path.rmdir()

    def _read(self, slot: str) -> SavedState:
        head, data, tensors = _read(self._file(slot))
        if head.get("form") != _FORM:
            message = f"{self._file(slot)} is a state in the form {head.get('form')!r}; this kzoo reads form {_FORM}."
            raise DamagedStateError(message)
        key = head["beside"]
        if not key:
            return SavedState(data, tensors)
        other, _, beside = _read(self._beside(slot))
        if other["beside"] != key:
            message = f"{self._beside(slot)} belongs to another state than {self._file(slot)}."
            raise DamagedStateError(message)
        return SavedState(data, tensors, beside, key)

    def _file(self, slot: str) -> Path:
        return self.path / f"{slot}.safetensors"

    def _beside(self, slot: str) -> Path:
        return self.path / f"{slot}-best.safetensors"

    def _number(self, slot: str) -> int:
        """Return which write a slot is of: 0 where it is empty, damaged ones before all others."""
        path = self._file(slot)
        if not path.exists():
            return 0
        number = self._head(path).get("number")
        return number if isinstance(number, int) else -1

    def _head(self, path: Path) -> dict[str, Any]:
        try:
            return _open(path)[0]
        except (DamagedStateError, FileNotFoundError):
            return {}


def remove_temporary_files(folder: Path) -> None:
    """Remove what a killed process had not finished writing into a run's folder: see `kzoo.files.replacing`."""
    for path in folder.rglob(".*"):
        if path.is_file() and not path.is_symlink() and _TEMPORARY.fullmatch(path.name):
            path.unlink(missing_ok=True)


def digest(tensors: Mapping[str, np.ndarray]) -> str:
    """Return the SHA-256 of arrays: of their names in order, types, shapes and numbers."""
    import numpy as np

    found = hashlib.sha256()
    for name, array in tensors.items():
        found.update(f"{name}\0{array.dtype.name}\0{array.shape}\0".encode())
        found.update(np.asarray(array, order="C").reshape(-1).view(np.uint8).data)
    return found.hexdigest()


def _write(path: Path, head: Mapping[str, Any], data: Mapping[str, Any], tensors: Mapping[str, np.ndarray]) -> None:
    import numpy as np
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    ordered = {name: np.asarray(tensors[name], order="C") for name in sorted(tensors)}
    text = json.dumps(data, ensure_ascii=True)
    whole = dict(head, types={name: array.dtype.name for name, array in ordered.items()})
    whole["shapes"] = {name: list(array.shape) for name, array in ordered.items()}
    whole["sha256"] = _whole_digest(whole, text, ordered)
    # A type that only some readers know, such as bfloat16, is stored as the bytes that it is.
    plain = {name: array.reshape(-1).view(np.uint8) for name, array in ordered.items()}
    with replacing(path) as temporary:
        try:
            save_file(plain, temporary, {"kzoo": json.dumps(whole), "data": text})
        except SafetensorError as error:  # what it makes of a full disk
            raise OSError(str(error)) from error


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Any], dict[str, np.ndarray]]:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        head, text = _open(path)
        raw = load_file(path)
    except FileNotFoundError as error:
        message = f"{path} is missing."
        raise DamagedStateError(message) from error
    except SafetensorError as error:
        message = f"{path} is damaged: {error}."
        raise DamagedStateError(message) from error
    try:
        tensors = {
            name: raw[name].view(_type(kind)).reshape(head["shapes"][name]) for name, kind in head["types"].items()
        }
        claimed = head.pop("sha256")
        sound = claimed == _whole_digest(head, text, tensors)
        data = json.loads(text)
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError) as error:
        message = f"{path} is damaged: what is in it does not fit together ({error})."
        raise DamagedStateError(message) from error
    if not sound or len(raw) != len(tensors):
        message = f"{path} is damaged: its checksum is not that of what is in it."
        raise DamagedStateError(message)
    return head, data, tensors


def _open(path: Path) -> tuple[dict[str, Any], str]:
    """Return what the head of a file says, and the text in it, without reading its tensors."""
    from safetensors import SafetensorError, safe_open

    if not path.exists():
        raise FileNotFoundError(path)
    try:
        open_regular(path).close()  # safetensors says of every file that it cannot open that there is none
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror or error}."
        raise DamagedStateError(message) from error
    try:
        with safe_open(path, "numpy") as file:
            said = file.metadata() or {}
        head = json.loads(said["kzoo"])
        text = said["data"]
    except (SafetensorError, OSError, KeyError, ValueError, RecursionError) as error:
        message = f"{path} is damaged: {error}."
        raise DamagedStateError(message) from error
    if not isinstance(head, dict):
        message = f"{path} is damaged: its head is no table."
        raise DamagedStateError(message)
    return head, text


def _whole_digest(head: Mapping[str, Any], text: str, tensors: Mapping[str, np.ndarray]) -> str:
    return hashlib.sha256(f"{json.dumps(head, sort_keys=True)}\0{text}\0{digest(tensors)}".encode()).hexdigest()


def _type(name: str) -> np.dtype[Any]:
    import numpy as np

    try:
        return np.dtype(name)
    except TypeError:
        import ml_dtypes  # comes with TensorFlow: bfloat16 and the small floating types

        found: np.dtype[Any] = np.dtype(getattr(ml_dtypes, name))
        return found
