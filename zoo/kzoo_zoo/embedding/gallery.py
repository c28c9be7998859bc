"""A folder of pictures that is searched: the vectors of all, kept in a file that notices what changed."""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import filelock
import numpy as np

from kzoo.data.cache import data_home
from kzoo.data.decoding import UnreadableImageError, read_image
from kzoo.data.images import find_images
from kzoo.data.walking import sample_of
from kzoo.errors import DataError, UsageError
from kzoo.files import replacing
from kzoo.tasks.neighbours import Neighbour
from kzoo.tasks.vector_measures import nearest, unit_vectors

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

__all__ = ["Gallery", "gallery_of"]

_FOLDER = "galleries"
_FORMAT = 1  # raise it when the same picture gets another vector, or the file another form
_BATCH = 256
_PROBES = 4
_SAME = 1e-3
"""By so much the vectors of one model may differ between two calls; those of two models are much farther apart."""


@dataclass(frozen=True, eq=False)
class Gallery:
    """The vectors of a folder's pictures.

    Attributes:
        folder: The folder.
        names: The path of each picture from the folder.
        vectors: Of length 1, float32 of shape (N, D).
        notes: What the user should know: pictures that cannot be read, and how many vectors had to be made.
    """

    folder: Path
    names: Sequence[str]
    vectors: np.ndarray
    notes: Sequence[str] = ()

    def nearest(self, vector: np.ndarray, top: int) -> list[Neighbour]:
        """Return the ``top`` pictures with the largest cosines, the largest first.

        All vectors are compared, in one matrix product: 100,000 of 64 numbers take milliseconds, and no index of
        another library would find exactly the nearest in less.
        """
        places, cosines = nearest(vector[None], self.vectors, top)
        return [
            Neighbour(self.names[place], self.names[place].rpartition("/")[0], float(cosine))
            for place, cosine in zip(places[0].tolist(), cosines[0].tolist(), strict=True)
        ]


def gallery_of(
    folder: Path,
    vectors_of: Callable[[np.ndarray], np.ndarray],
    prepare: Callable[[np.ndarray], np.ndarray],
    input_shape: Sequence[int],
) -> Gallery:
    """Return the vectors of all pictures in a folder and below it, made where they are not known yet.

    They are kept in the folder ``galleries`` of the cache, in a file for this folder and this model. A picture that is
    new, or whose size or time of change is another than before, gets its vector anew, and one that is gone is
    forgotten; where the model is another one, all are made anew. Any number of processes may ask at once.

    Args:
        folder: The folder.
        vectors_of: The network: from inputs, uint8 of shape (N, H, W, C), to vectors.
        prepare: A picture, RGB, as an input.
        input_shape: The shape of an input.

    Raises:
        UsageError: There is no such folder.
        DataError: It holds no picture that can be read, or the file cannot be written.
    """
    if not folder.is_dir():
        what = "is a file, not a folder" if folder.exists() else "does not exist"
        message = f"--gallery {folder} {what}. Name a folder with the pictures to search in."
        raise UsageError(message)
    paths = find_images(folder)
    if not paths:
        message = f"--gallery {folder} holds no images, not in the folders below it either."
        raise DataError(message)
    probe = unit_vectors(vectors_of(_probes(input_shape)))
    place = data_home() / _FOLDER / f"{_key(folder, input_shape, probe)}.npz"
    place.parent.mkdir(exist_ok=True)
    try:
        with filelock.FileLock(place.with_suffix(".lock")):
            return _brought_up_to_date(folder, paths, place, probe, vectors_of, prepare)
    except OSError as error:
        message = f"The vectors of {folder} cannot be kept in {place}: {error.strerror or error}."
        raise DataError(message) from error


def _brought_up_to_date(
    folder: Path,
    paths: Sequence[Path],
    place: Path,
    probe: np.ndarray,
    vectors_of: Callable[[np.ndarray], np.ndarray],
    prepare: Callable[[np.ndarray], np.ndarray],
) -> Gallery:
    names = [path.relative_to(folder).as_posix() for path in paths]
    states = np.array([_state(path) for path in paths], np.int64).reshape(-1, 2)
    known, why = _kept(place, probe)
    vectors = np.full((len(paths), probe.shape[1]), np.nan, np.float32)
    missing = []
    for row, (name, state) in enumerate(zip(names, states.tolist(), strict=True)):
        if (found := known.get(name)) is not None and found[0] == state:
            vectors[row] = found[1]
        else:
            missing.append(row)
    reasons: dict[int, str] = {}
    for first in range(0, len(missing), _BATCH):
        read = {}
        for row in missing[first : first + _BATCH]:
            try:
                read[row] = prepare(read_image(paths[row]))
            except UnreadableImageError as error:
                reasons[row] = error.reason
        if read:
            vectors[list(read)] = unit_vectors(vectors_of(np.stack(list(read.values()))))
    if missing or len(known) != len(names):
        _keep(place, names, states, vectors, probe)
    usable = np.flatnonzero(np.isfinite(vectors).all(axis=1))
    if not len(usable):
        message = f"No picture in --gallery {folder} can be read."
        raise DataError(message)
    notes = [why] if why else []
    if unread := {paths[row]: reasons.get(row, "") for row in sorted(set(range(len(names))) - set(usable.tolist()))}:
        listed = _by_reason(unread, folder)
        notes.append(f"{len(unread)} of {len(names)} images in the gallery cannot be read: {listed}.")
    return Gallery(folder, [names[row] for row in usable], np.ascontiguousarray(vectors[usable]), notes)


def _by_reason(unread: Mapping[Path, str], folder: Path) -> str:
    """Return the names of pictures, those with the same reason together; an empty one is found out."""
    alike: dict[str, list[Path]] = {}
    for path, reason in unread.items():
        alike.setdefault(reason or _reason(path), []).append(path)
    return "; ".join(f"{sample_of(files, folder)} ({reason})" for reason, files in alike.items())


def _reason(path: Path) -> str:
    """Return why a picture has no vector that can be compared, where that was found out in an earlier run."""
    try:
        read_image(path)
    except UnreadableImageError as error:
        return error.reason
    return "its vector holds numbers that are not finite"


def _kept(place: Path, probe: np.ndarray) -> tuple[dict[str, tuple[list[int], np.ndarray]], str]:
    """Return state and vector of each picture in the file, and what is to be said of a file that is damaged."""
    if not place.is_file():
        return {}, ""
    try:
        with place.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            parts: dict[str, Any] = {name: stored[name] for name in ("names", "states", "vectors", "probe")}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        return {}, f"{place} was damaged ({error}); all vectors of the gallery were made anew."
    if parts["probe"].shape != probe.shape or np.abs(parts["probe"] - probe).max() > _SAME:
        return {}, ""
    rows = zip(parts["names"].tolist(), parts["states"].tolist(), parts["vectors"], strict=True)
    return {name: (state, vector) for name, state, vector in rows}, ""


def _keep(place: Path, names: Sequence[str], states: np.ndarray, vectors: np.ndarray, probe: np.ndarray) -> None:
    with replacing(place) as temporary, temporary.open("wb") as file:
        np.savez(file, names=np.array(names, str), states=states, vectors=vectors, probe=probe)


def _state(path: Path) -> tuple[int, int]:
    """Return size and time of change; of what is gone since it was listed, what no file has."""
    try:
        state = path.stat()
    except OSError:  # it is reported as unreadable
        return -1, -1
    return state.st_size, state.st_mtime_ns


def _probes(input_shape: Sequence[int]) -> np.ndarray:
    """Return pictures by whose vectors a model is known again, whatever engine runs it."""
    return np.random.default_rng(0x9A11E).integers(0, 256, (_PROBES, *input_shape), np.uint8)


def _key(folder: Path, input_shape: Sequence[int], probe: np.ndarray) -> str:
    """Return the name of the file; models are told apart by which numbers of the probes' vectors are larger ones."""
    text = f"{_FORMAT} {folder.resolve()} {tuple(input_shape)}\n"
    digest = hashlib.sha256(text.encode(errors="surrogateescape"))
    digest.update(np.packbits(probe > np.roll(probe, 1, axis=1)).tobytes())
    return digest.hexdigest()[:32]
