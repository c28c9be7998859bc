"""Curves and pictures of a run as the event files that TensorBoard reads.

TensorFlow itself writes them: `tf.io.TFRecordWriter` frames the records with their checksums, and the messages are
those of ``tf.compat.v1``. Both are public and come without TensorBoard, which `tf.summary.scalar` needs.
"""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kzoo.files import inside
from kzoo.tracker import Tracker

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["TensorBoard"]

_FILE = re.compile(r"events\.out\.tfevents\.(\d{10})\.kzoo")
_SPLITS = ("train", "validation", "test")
_OF_VALIDATION = "val_"
_PNG = b"\x89PNG\r\n\x1a\n"


class TensorBoard(Tracker):
    """Writes curves and pictures for TensorBoard into the folder ``tb/`` of the run.

    There is a curve for each value: of an epoch's ``loss`` in ``tb/train``, of its ``val_loss`` under the same name in
    ``tb/validation``, so that TensorBoard draws both into one picture, and results and pictures of the test in
    ``tb/test``. A run that goes on takes the epochs before with it and drops what came later: its curves are those of a
    run that was never stopped. Event files hold numbers in single precision.
    """

    def __init__(self) -> None:
        self.logged: int | None = None
        self._folder = Path()
        self._step = 0
        self._pictures: list[tuple[str, bytes]] = []
        self._files: dict[str, _Events] = {}

    def start(self, manifest: Mapping[str, Any]) -> str:
        """Open a file each for training and validation, with the epochs of those before."""
        run, tracked = Path(manifest["folder"]), manifest["tracked"]
        self._folder = run / "tb"
        for split in _SPLITS:
            inside(self._folder / split, run)
        # An epoch is in the file of the training last: what that has, the other one has as well.
        step = _last_step(self._folder / "train", tracked["step"]) if tracked else 0
        self.logged = self._step = step
        self._files = {split: _Events(self._folder / split, upto=step) for split in _SPLITS[:2]}
        _Events.remove(self._folder / "test")
        return "tb"

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Write an epoch: one record for each of the two files."""
        of_validation = {name for name in values if name.startswith(_OF_VALIDATION)}
        validation = {name.removeprefix(_OF_VALIDATION): values[name] for name in values if name in of_validation}
        self._files["validation"].write(step, validation)
        self._files["train"].write(step, {name: values[name] for name in values if name not in of_validation})
        self._step = step

    def artifact(self, path: Path) -> None:
        """Keep a picture."""
        if path.suffix == ".png":
            self._pictures.append((path.stem, path.read_bytes()))

    def finish(self, status: str, results: Mapping[str, float]) -> None:
        """Write results and pictures of the test, and close the files."""
        del status
        if results or self._pictures:
            self._files["test"] = _Events(self._folder / "test")
            self._files["test"].write(self._step, results, self._pictures)
        for file in self._files.values():
            file.close()


class _Events:
    """A new event file, which takes the place of those that kzoo wrote into its folder before.

    Args:
        folder: The folder.
        upto: The last step that is taken over from the files before; 0 for none.
    """

    def __init__(self, folder: Path, upto: int = 0) -> None:
        import tensorflow as tf

        folder.mkdir(parents=True, exist_ok=True)
        before = _event_files(folder)
        kept = list(_steps(folder, upto)) if upto else []
        # TensorBoard reads the files of a folder by their names, and looks for one with a later name as it goes on.
        number = max([int(time.time()), *(int(_FILE.fullmatch(file.name)[1]) + 1 for file in before)])  # type: ignore[index]
        path = folder / f"events.out.tfevents.{number:010d}.kzoo"
        self._writer = tf.io.TFRecordWriter(str(path))
        self._put(tf.compat.v1.Event(wall_time=time.time(), file_version="brain.Event:2"))
        for event in kept:
            self._put(event)
        self._writer.flush()
        for file in before:  # not before the new one is there
            file.unlink()

    @staticmethod
    def remove(folder: Path) -> None:
        """Remove what kzoo wrote into a folder."""
        for file in _event_files(folder):
            file.unlink()

    def write(self, step: int, values: Mapping[str, float], pictures: list[tuple[str, bytes]] | None = None) -> None:
        """Write what belongs to a step as one record, to the disk."""
        import tensorflow as tf

        message = tf.compat.v1.Summary
        found = [message.Value(tag=name, simple_value=float(value)) for name, value in values.items()]
        found += [message.Value(tag=name, image=_image(data)) for name, data in pictures or ()]
        if found:
            self._put(tf.compat.v1.Event(wall_time=time.time(), step=step, summary=message(value=found)))
            self._writer.flush()

    def close(self) -> None:
        """Close the file."""
        self._writer.close()

    def _put(self, event: Any) -> None:
        self._writer.write(event.SerializeToString())


def _event_files(folder: Path) -> list[Path]:
    """Return the files in a folder that kzoo wrote, in the order of their names."""
    found = [path for path in folder.glob("events.out.tfevents.*") if _FILE.fullmatch(path.name)]
    return sorted(path for path in found if path.is_file() and not path.is_symlink())


def _steps(folder: Path, upto: int) -> Iterator[Any]:
    """Yield the events of a folder's files that belong to a step up to this one, each step once.

    The end of a file that a killed process had not written whole is left out.
    """
    import tensorflow as tf

    seen = set()
    for file in _event_files(folder):
        records = iter(tf.data.TFRecordDataset(str(file)))
        while True:
            try:
                event = tf.compat.v1.Event.FromString(next(records).numpy())
            except (StopIteration, tf.errors.DataLossError):
                break
            if event.HasField("summary") and event.step <= upto and event.step not in seen:
                seen.add(event.step)
                yield event


def _last_step(folder: Path, upto: int) -> int:
    return max((event.step for event in _steps(folder, upto)), default=0)


def _image(data: bytes) -> Any:
    """Return a PNG file as TensorBoard takes it."""
    import tensorflow as tf

    if not data.startswith(_PNG):
        message = "a picture of the run is no PNG file"
        raise ValueError(message)
    width, height = (int.from_bytes(data[at : at + 4], "big") for at in (16, 20))
    return tf.compat.v1.Summary.Image(height=height, width=width, colorspace=3, encoded_image_string=data)
