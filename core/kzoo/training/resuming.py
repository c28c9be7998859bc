"""Whether a run that did not end can go on here as if nothing had happened, and with what."""

from __future__ import annotations

import datetime as dt
import json
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kzoo.errors import KzooError, UsageError
from kzoo.files import inside
from kzoo.plugins.registry import get_registry
from kzoo.runs.config import RunConfig, read_toml
from kzoo.runs.folder import Run, find_run
from kzoo.runs.state import remove_temporary_files

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kzoo.engine.listener import Listener
    from kzoo.runs.config import RunConfig
    from kzoo.runs.manifest import Manifest
    from kzoo.runs.state import SavedState
    from kzoo.training.assembly import Assembly

__all__ = [
    "FREE",
    "Resume",
    "check_same",
    "differences",
    "note",
    "note_workers",
    "other_data",
    "other_surroundings",
    "resumption",
    "run_to_resume",
    "state_to_resume",
]

FREE = frozenset({"report", "track", "train.save_every", "train.keep_state", "train.epochs", "recipe", "complete"})
"""Settings that may be other ones: they change no step. More epochs are said and recorded, fewer are a difference."""


_TABLES = {"versions": "the version of", "flags": "the flag", "threads": "the number of threads"}


@dataclass(frozen=True)
class Resume:
    """What is to go on.

    Attributes:
        run: The run.
        force: Go on also where something that matters is not as it was.
    """

    run: Run
    force: bool = False


def run_to_resume(text: str, root: Path, file: Path | None = None, recipe: str | None = None) -> Run:
    """Return the run that is to go on.

    Raises:
        UsageError: There is no such run, or a settings file or a recipe is named beside it.
    """
    run = find_run(text, root)
    for option, others in (("-c", file), ("--recipe", recipe)):
        if others is not None:
            message = (
                f"--resume {text} goes on with the settings of that run, and {option} {others} names others. Leave out "
                "one."
            )
            raise UsageError(message)
    record = run.manifest()  # what is wrong with it is said first
    _check_settings_file(run, record)
    _check_plugins(run, record)
    return run


def _check_settings_file(run: Run, record: Manifest) -> None:
    """Refuse a ``config.toml`` that lost a part, whose message would be about a command line that nobody typed."""
    stored = read_toml(inside(run.config_path, run.path))
    missing = [name for name in ("pipeline", "loss", "optimizer") if name not in stored]
    if missing:
        begun = f" The run was begun by `{shlex.join(record.argv)}`." if record.argv else ""
        message = (
            f"{run.config_path}, the settings of the run, is not whole: it names no {missing[0]}. Put it back as it "
            f"was to go on.{begun}"
        )
        raise KzooError(message)


def _check_plugins(run: Run, record: Manifest) -> None:
    """Refuse a run that needs a component which no installed plugin has."""
    registry = get_registry()
    for what, found in record.plugins.items():
        name, version = found.get("name", ""), found.get("version", "")
        if name and not registry.known(name):
            distribution = name.partition(":")[0]
            message = (
                f"The run {run.path} needs the {what} `{name}`, which no installed plugin provides. It comes from "
                f"{distribution} {version}: install it with `pip install {distribution}=={version}`."
            )
            raise KzooError(message)


def _check_data(run: Run, source: str) -> None:
    """Refuse data that is not where the run's settings say, seen from here."""
    if source in ("auto", "real", "sample"):
        return
    missing = [part for part in source.split(",") if not Path(part).expanduser().exists()]
    if missing and not Path(source).expanduser().exists():
        message = (
            f"The data of the run {run.path}, {missing[0]}, is not there, looked for from {Path.cwd()}. Name it with "
            "--data PATH: with the same content the run goes on as it began."
        )
        raise UsageError(message)


def state_to_resume(resume: Resume, config: RunConfig, listener: Listener, *, tidy: bool = True) -> SavedState | None:
    """Return the state that the run goes on from, or None, which is said, where it must begin anew.

    With ``tidy``, what a killed process left half-written is removed; the lock of the run must be held then.

    Raises:
        UsageError: The run has ended, and no further epochs are asked for.
        KzooError: No state of it can be used.
    """
    run, record = resume.run, resume.run.manifest()
    _check_data(run, config.data.source)
    if run.state.path.exists() and not run.state.path.is_dir():
        message = (
            f"{run.state.path}, the folder of the run's states, is a file. Put the folder back, or remove the file."
        )
        raise KzooError(message)
    if tidy:
        remove_temporary_files(run.path)
    state, faults = run.state.read()
    for fault in faults if state else ():
        listener.warn(f"{fault} The state before it is used.")
    done = record.status == "done"
    if state is None:
        if record.status == "pruned":
            message = (
                f"The run {run.path} was given up ({record.error.rstrip('.')}), and kept no state. `kzoo run -c "
                f"{run.config_path}` trains it from the start and to its end."
            )
            raise UsageError(message)
        if done:
            message = (
                f"The run {run.path} is done, and it kept no state that more epochs could go on from. Train with "
                "-o train.keep_state=true to keep one."
            )
            raise UsageError(message)
        if faults:
            message = (
                f"The run {run.path} cannot go on, since none of its states is whole. {' '.join(faults)} `kzoo run -c "
                f"{run.config_path}` trains it again from the start."
            )
            raise KzooError(message)
        listener.warn(f"{run.path} has no state: it begins anew, with the same settings.")
        return None
    place = state.data["place"]
    if config.train.epochs < place["epoch"] + bool(place["step"]):
        message = (
            f"The run {run.path} cannot be resumed for {config.train.epochs} epochs: it is in epoch "
            f"{place['epoch'] + bool(place['step'])} already. Give more with --epochs N."
        )
        raise UsageError(message)
    whole = "reported" in record.completed or not config.values["report"]
    if done and whole and place["epoch"] >= config.train.epochs:
        message = (
            f"The run {run.path} is done, with all of its {config.train.epochs} epochs: there is nothing to resume. "
            "--epochs N trains it for more."
        )
        raise UsageError(message)
    return state


def note(state: SavedState | None, config: RunConfig, parts: Assembly, run: Run) -> str:
    """Return in a sentence from where a run goes on."""
    if state is None:
        return f"Resuming {run.path} from its beginning."
    place = state.data["place"]
    step = f", step {place['step']} of {parts.batches.steps_per_epoch}" if place["step"] else ""
    at = f"epoch {place['epoch'] + 1} of {config.train.epochs}{step}"
    if place["epoch"] >= config.train.epochs or place["finished"]:
        at = "the end of its training"
    before = state.data.get("settings", run.config().values)["train"]["epochs"]
    longer = ""
    if before != config.train.epochs:
        longer = (
            f" It is trained for {config.train.epochs} epochs now, not {before}: what depends on the length of the "
            "training, such as a schedule of the learning rate, is that of the new length from here on."
        )
    return f"Resuming {run.path} from {at}.{longer}"


def check_same(resume: Resume, config: RunConfig, now: Manifest, state: SavedState | None) -> list[str]:
    """Return what is not as it was when the run was begun; raise `KzooError` with the list unless it is forced."""
    found = differences(resume.run, config, now, state)
    if found and not resume.force:
        listed = "; ".join(found)
        message = (
            f"The run {resume.run.path} would not go on as it began: {listed}. Make it as it was, or give --force to "
            "go on all the same, which is recorded."
        )
        raise KzooError(message)
    return found


def differences(run: Run, config: RunConfig, now: Manifest, state: SavedState | None = None) -> list[str]:
    """Return what decides how a training goes on and is not as it was: in the state, else when the run was begun."""
    then = run.manifest()
    began = (state.data.get("settings") if state else None) or run.config().values
    data = list(other_data(then, now))
    # The same content may lie elsewhere now.
    free = FREE if data else FREE | {"data.source"}
    surroundings = (words for words in other_surroundings(then, now) if words != _other_workers(then, now))
    return [*_other_settings(began, config.values, free), *data, *surroundings]


def _other_settings(then: Mapping[str, Any], now: Mapping[str, Any], free: frozenset[str]) -> Iterator[str]:
    stored, asked = _flat(then), _flat(json.loads(json.dumps(now)))  # a list for what may be a tuple
    for key in dict.fromkeys([*stored, *asked]):
        if key not in free and stored.get(key) != asked.get(key):
            yield _said(f"the setting `{key}`", stored.get(key), asked.get(key))
    if stored.get("train.epochs", 0) > asked.get("train.epochs", 0):
        yield _said("the setting `train.epochs`", stored["train.epochs"], asked.get("train.epochs"))


def other_data(then: Manifest, now: Manifest) -> Iterator[str]:
    """Yield what is not the same in the data of two runs."""
    for split in dict.fromkeys([*then.data.fingerprint, *now.data.fingerprint]):
        if then.data.fingerprint.get(split) != now.data.fingerprint.get(split):
            sizes = then.data.sizes.get(split), now.data.sizes.get(split)
            count = f" ({sizes[0]} examples then, {sizes[1]} now)" if sizes[0] != sizes[1] else ""
            yield f"the data of the {split} split is not the same{count}"
    if list(then.data.class_names) != list(now.data.class_names):
        yield _said("the classes", list(then.data.class_names), list(now.data.class_names))


def other_surroundings(then: Manifest, now: Manifest) -> Iterator[str]:
    """Yield what of components, callbacks, versions, flags, threads and processor is not the same."""
    if list(then.callbacks) != list(now.callbacks):
        given = [", ".join(record.callbacks) or None for record in (then, now)]
        yield f"{_said('the callbacks', *given)} (`kzoo.run` takes them as `callbacks`)"
    for what in dict.fromkeys([*then.plugins, *now.plugins]):
        one, other = (_component(record.plugins.get(what)) for record in (then, now))
        if one != other:
            yield _said(f"the {what}", one, other)
    if workers := _other_workers(then, now):
        yield workers
    # Workers on one machine share its threads out.
    for table in ("versions", "flags") if workers else ("versions", "flags", "threads"):
        old, new = (record.environment.get(table) or {} for record in (then, now))
        for key in dict.fromkeys([*old, *new]):
            if old.get(key) != new.get(key) and not (workers and key == "fused_layers"):  # which goes with one worker
                yield _said(f"{_TABLES[table]} {key}", old.get(key), new.get(key))
    for key in ("processor", "cpu", "cpus", "devices"):
        before, after = (record.environment.get(key) for record in (then, now))
        if before is not None and before != after:
            yield _said(key, before, after)


def _other_workers(then: Manifest, now: Manifest) -> str:
    """Return that another number of processes trains, which changes nothing but rounding; or an empty text."""
    before, after = (record.environment.get("workers", 1) for record in (then, now))
    return "" if before == after else _said("the number of workers", before, after)


def note_workers(run: Run, now: Manifest) -> str:
    """Return in a sentence that another number of workers goes on with a run; an empty text where it is the same."""
    before, after = (record.environment.get("workers", 1) for record in (run.manifest(), now))
    if before == after:
        return ""
    return (
        f"{after} worker{'s' * (after > 1)} go{'es' * (after == 1)} on with what {before} began: every step is the "
        "same, but for rounding."
    )


def resumption(
    state: SavedState | None, found: list[str], argv: list[str], workers: tuple[int, int] = (1, 1)
) -> dict[str, Any]:
    """Return what the record says of a resume; ``workers`` is how many there were, and how many there are."""
    place = {} if state is None else {key: state.data["place"][key] for key in ("epoch", "step", "steps")}
    when = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    several = {"workers": workers[1]} if max(workers) > 1 else {}
    return {"at": when, **place, "argv": argv, **several, **({"forced": found} if found else {})}


def _component(found: Mapping[str, str] | None) -> str | None:
    return f"{found.get('name')} {found.get('version')}" if found else None


def _said(what: str, then: Any, now: Any) -> str:
    return f"{what}: {'nothing' if then is None else then} then, {'nothing' if now is None else now} now"


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in values.items():
        found |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return found
