"""A folder of images predicted on a cluster through Ray Data: as many as there are, in memory that does not grow.

The list of the files is written down first; workers take parts of it, read the images, predict them and write what they
found as files of their own. What is written is noted by Ray, so that a second start goes on with the rest.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import shutil
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kzoo.cluster.connecting import connected, in_words
from kzoo.cluster.machines import check_machines, machines_of, machines_with, shared_out
from kzoo.cluster.surroundings import surroundings, take_on, threads_for
from kzoo.data.frames.pictures import ImageSource
from kzoo.engine.interrupt import as_ctrl_c
from kzoo.errors import KzooError, UsageError, words_of
from kzoo.files import sha256_of, write_json
from kzoo.plugins.registry import plugin_choice
from kzoo.processor import usable_processors

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from kzoo.cluster.connecting import Cluster
    from kzoo.cluster.machines import Share
    from kzoo.cluster.places import Place
    from kzoo.data.frames import Source
    from kzoo.inference.predicting import Predicting

__all__ = ["Predicted", "Wanted", "predict_on_ray"]

FORMATS = (".parquet", ".jsonl")
"""How the folder of results may end, which says what the files in it are."""

_OBJECT_STORE = 200 * 2**20
_BATCH = 256  # images that a worker takes at a time
_PART = 1024  # images of which the results go into one file, at most; of few images there are fewer in each
_PARTS = 64
_LEAST = 64
_FEW = 2  # processors
_NUMBER = "input"
"""The column with the number of an image among all, by which is noted what is done."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is to be predicted, and where.

    Attributes:
        to: The folder that the results go to, which ends in one of `FORMATS`.
        place: The cluster, and what each worker takes.
        top: How many alternatives to write, as for ``kzoo predict``.
        settings: Of the pipeline's reader.
        bars: Whether Ray shows how far it is.
    """

    to: Path
    place: Place
    top: int
    settings: Mapping[str, Any]
    bars: bool = False


@dataclass(frozen=True)
class Predicted:
    """What came of it.

    Attributes:
        images: How many images there were.
        failed: How many of them could not be read.
        before: How many of them an earlier start had done.
    """

    images: int
    failed: int
    before: int


def predict_on_ray(asked: Predicting, sources: Sequence[Source], wanted: Wanted) -> Predicted:
    """Predict all images of sources and write the results into a folder, which appears whole at the end.

    Args:
        asked: The model, or the pipeline that needs none.
        sources: Where the images are.
        wanted: What and where.

    Raises:
        UsageError: A source is none of images in files, or the results can have no such name.
        KzooError: The cluster or the folder cannot be used, or a worker fails.
    """
    paths = _paths_of(sources)
    if wanted.to.suffix not in FORMATS:
        message = (
            f"--results {wanted.to} must end in {' or '.join(FORMATS)}, which says what is written into that folder."
        )
        raise UsageError(message)
    if wanted.to.exists():
        message = (
            f"{wanted.to} is there already, and is not written over. Remove it, or name another one with --results."
        )
        raise UsageError(message)
    work = _Work(wanted.to.absolute())
    work.begin(_plan(asked, paths, wanted), paths)
    before = _rows(work.rows)
    processors = max(usable_processors(), wanted.place.cpus or 1, _FEW)
    with connected(wanted.place.on, processors=processors, object_store=_OBJECT_STORE) as one:
        machines = machines_of(one)
        jobs, share = shared_out(wanted.place, machines)
        lacking = f"does not see {work.list}. The images and --results must be in folders that all machines share."
        check_machines(one, machines_with(machines, share), there=work.list, lacking=lacking)
        with _said(), as_ctrl_c():
            _through(one, asked, work, wanted, jobs, share)
    failed = _failed(work.rows)
    work.end()
    return Predicted(len(paths), failed, before)


def _paths_of(sources: Sequence[Source]) -> list[Path]:
    """Return the files of all sources, raise `UsageError` where one of them is something else."""
    found: list[Path] = []
    for source in sources:
        if type(source) is not ImageSource:
            what = "no file here" if source.kind == "images" else f"a {source.kind}"
            message = (
                f"{source.name} is {what}, and a cluster reads images in files: a folder, a pattern, a list. Leave out "
                "--on for it."
            )
            raise UsageError(message)
        part = source.part
        chosen = source.paths[:: part.every]
        found += chosen if part.max_frames is None else chosen[: part.max_frames]
    return found


def _plan(asked: Predicting, paths: Sequence[Path], wanted: Wanted) -> dict[str, Any]:
    """Return what decides about the results, to be compared with that of an earlier start."""
    listed = hashlib.sha256("\0".join(map(str, paths)).encode("utf-8", "surrogateescape")).hexdigest()
    model = asked.pipeline.name if asked.saved is None else sha256_of(asked.saved.path)
    return {"model": model, "images": len(paths), "list": listed, "top": wanted.top, "settings": dict(wanted.settings)}


class _Work:
    """The folder that results are in until all are there: beside the one that they will be in.

    Args:
        to: That one.
    """

    def __init__(self, to: Path) -> None:
        self.to = to
        self.folder = to.with_name(f".{to.name}.unfinished")
        self.rows = self.folder / "rows"
        self.list = self.folder / "images"
        self.noted = self.folder / "done"

    def begin(self, plan: Mapping[str, Any], paths: Sequence[Path]) -> None:
        """Make it with the list of the images, or go on in it; raise `KzooError` where it is of something else."""
        record = self.folder / "plan.json"
        try:
            if record.exists():
                if json.loads(record.read_text("utf-8")) != json.loads(json.dumps(plan)):
                    message = (
                        f"{self.folder} holds the beginning of other predictions: of another model, other images or "
                        "settings. Give that command again to go on with it, or remove the folder."
                    )
                    raise KzooError(message)
                return
            for folder in (self.rows, self.noted, self.list):
                folder.mkdir(parents=True, exist_ok=True)
            _write_list(self.list, paths)
            write_json(record, plan)  # at last: without it all is begun anew
        except (OSError, ValueError) as error:
            message = f"{self.folder} cannot be written or read: {getattr(error, 'strerror', None) or error}."
            raise KzooError(message) from error

    def end(self) -> None:
        """Put the results in their place."""
        try:
            self.rows.rename(self.to)
        except OSError as error:
            message = f"{self.to} cannot be written: {error.strerror or error}. The results are in {self.rows}."
            raise KzooError(message) from error
        shutil.rmtree(self.folder, ignore_errors=True)


def _write_list(folder: Path, paths: Sequence[Path]) -> None:
    """Write down the files to predict, as tables in as many files as results are to have: Ray gives these out."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    size = min(_PART, max(_LEAST, -(-len(paths) // _PARTS)))  # for as many workers as there may be
    for first in range(0, len(paths), size):
        part = [str(path.absolute()) for path in paths[first : first + size]]
        table = pa.table({_NUMBER: range(first, first + len(part)), "image": part})
        pq.write_table(table, folder / f"{first // size:06}.parquet")


def _through(cluster: Cluster, asked: Predicting, work: _Work, wanted: Wanted, jobs: int, share: Share) -> None:
    """Have Ray Data read the list, predict and write."""
    import ray.data
    from ray.data.checkpoint import CheckpointConfig

    logging.getLogger("ray.data").setLevel(logging.ERROR)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = wanted.bars
    context.checkpoint_config = CheckpointConfig(
        id_column=_NUMBER, checkpoint_path=str(work.noted), delete_checkpoint_on_success=False
    )
    model = None if asked.saved is None else (cluster.ray.put(asked.saved.path.read_bytes()), asked.saved.path.suffix)
    given = {
        "model": model,
        "pipeline": asked.pipeline.name,
        "settings": dict(wanted.settings),
        "top": wanted.top,
        "flat": wanted.to.suffix == ".parquet",
        "cpus": share.cpus,
        "plugins": plugin_choice(),
        "surroundings": surroundings(shares_gpu=0 < share.gpus < 1),
    }
    # Ray gives out processors by number. What workers have all of is lacking where the list is read, what is done is
    # left out and results are written, and all of them would wait for one another.
    free = {"num_cpus": 0}
    each = {**share.options(), "num_cpus": share.cpus - 1 if share.cpus > _FEW else share.cpus / 2}
    parts = len(list(work.list.iterdir()))  # by itself Ray puts small files together, and one worker would have all
    rows = ray.data.read_parquet(
        str(work.list), partitioning=None, override_num_blocks=parts, concurrency=1, **free
    ).map_batches(
        Worker,
        fn_constructor_kwargs={"given": given},
        batch_size=_BATCH,
        batch_format="pyarrow",
        compute=ray.data.ActorPoolStrategy(size=jobs),
        **each,
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"ray\.")  # of its own settings and of how few images there are
        if given["flat"]:
            rows.write_parquet(str(work.rows), ray_remote_args=free, concurrency=1)
        else:
            rows.write_json(str(work.rows), ray_remote_args=free, concurrency=1, double_precision=15)


class Worker:
    """Reads and predicts images in a worker of Ray; its model is loaded once.

    Args:
        given: What it needs, as plain data.
    """

    def __init__(self, given: Mapping[str, Any]) -> None:
        take_on(given["surroundings"])
        from kzoo.engine import runtime
        from kzoo.inference.faults import naming
        from kzoo.inference.predicting import find_predicting
        from kzoo.plugins.registry import set_plugin_choice

        set_plugin_choice(given["plugins"])
        runtime.start()
        runtime.take_threads(threads_for(given["cpus"]))
        self._top, self._flat = given["top"], given["flat"]
        self._types: dict[str, Any] = {}
        self._folder = tempfile.TemporaryDirectory(prefix="kzoo-model-")
        name = given["pipeline"]
        if given["model"] is not None:
            import ray

            content, suffix = given["model"]
            path = Path(self._folder.name) / f"model{suffix}"
            path.write_bytes(ray.get(content))
            name = str(path)
        self._reader = find_predicting(name).reader(given["settings"])
        with naming("", self._reader):
            self._reader.load()

    def __call__(self, batch: Any) -> Any:
        """Return the rows of a batch of images, a table of Arrow."""
        from kzoo.inference.predicting import predict_source

        numbers = batch.column(_NUMBER).to_pylist()
        source = ImageSource([Path(one) for one in batch.column("image").to_pylist()])
        rows = []
        for number, result in zip(numbers, predict_source(self._reader, source), strict=True):
            where = {_NUMBER: number, **result.item.columns()}
            told = {"error": result.error or None, "doubts": list(result.doubts)}
            if result.prediction is None:
                rows.append({**where, **told})
            elif self._flat:
                rows += [{**where, **row, **told} for row in result.prediction.best_rows(self._top) or [{}]]
            else:
                rows.append({**where, **result.prediction.to_dict(self._top), **told})
        return self._table(rows)

    def _table(self, rows: Sequence[Mapping[str, Any]]) -> Any:
        """Return rows as a table; a column that has no value in these has the type that it had before."""
        import pyarrow as pa

        fixed = {_NUMBER: pa.int64(), "image": pa.string(), "error": pa.string(), "doubts": pa.list_(pa.string())}
        columns = {}
        for name in dict.fromkeys([*(name for row in rows for name in row), *self._types]):
            values = [row.get(name) for row in rows]
            found = pa.array(values, fixed.get(name))
            if pa.types.is_null(found.type) and name in self._types:
                found = pa.array(values, self._types[name])
            if not pa.types.is_null(found.type):
                self._types[name] = found.type
            columns[name] = found
        return pa.table(columns)


@contextlib.contextmanager
def _said() -> Iterator[None]:
    """Say what went wrong in a worker in one paragraph."""
    try:
        yield
    except KzooError:
        raise
    except Exception as error:
        for one in _causes(error):
            if isinstance(one, KzooError):
                raise one from error
        *_, last = _causes(error)
        message = f"The predictions ended with an error in a worker: {in_words(words_of(last))}"
        raise KzooError(message) from error


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error of Ray and what is inside of it, to the first one."""
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        one = getattr(one, "cause", None) or one.__cause__


def _rows(folder: Path) -> int:
    """Return how many images the files in a folder tell of."""
    return len({number for table in _tables(folder, _NUMBER) for number in table})


def _failed(folder: Path) -> int:
    """Return how many images could not be read, by the files in a folder."""
    return sum(error is not None for table in _tables(folder, "error") for error in table)


def _tables(folder: Path, column: str) -> Iterator[list[Any]]:
    """Yield one column of each file in a folder of results."""
    import pyarrow.parquet as pq

    for path in sorted(folder.rglob("*")):
        if path.suffix == ".parquet":
            yield pq.read_table(path, columns=[column]).column(column).to_pylist()
        elif path.suffix in (".json", ".jsonl"):
            with path.open(encoding="utf-8") as lines:
                yield [json.loads(line).get(column) for line in lines]
