"""Whether two records are of the same run, and where the second one first went another way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kzoo.errors import UsageError
from kzoo.runs.configure import configure
from kzoo.training.resuming import other_data, other_surroundings
from kzoo.training.run import train

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from kzoo.engine.listener import Listener
    from kzoo.runs.folder import Run
    from kzoo.runs.manifest import Manifest

__all__ = ["Comparison", "compare", "repeat"]


@dataclass(frozen=True)
class Comparison:
    """What of two runs was compared.

    Attributes:
        lines: What was compared, what came of it, and whether it was equal: True, False, or None where one of the two
            has nothing of the kind.
        surroundings: What else is not as it was: versions, processor, threads, flags.
    """

    lines: list[tuple[str, str, bool | None]]
    surroundings: list[str]

    @property
    def equal(self) -> bool:
        """Whether all that could be compared is equal, the final weights or those of an epoch among it."""
        found = [same for _, _, same in self.lines]
        return False not in found and any(same for what, _, same in self.lines if what in _WEIGHTS)

    @property
    def first(self) -> str:
        """What differs first, as a sentence; an empty text where nothing does."""
        for what, words, same in self.lines:
            if same is False:
                return f"The runs first differ in the {what}: {words}."
        return ""


_WEIGHTS = ("weights after each epoch", "final weights")


def repeat(run: Run, root: Path, listener: Listener, argv: Sequence[str] = (), *, debug: bool = False) -> Run:
    """Train what a run's ``config.toml`` says once more in a new folder under ``root``; return the new run.

    Raises:
        UsageError: The run has no weights to compare with.
        KzooError: As `kzoo.training.run.train`.
    """
    record = run.manifest()
    if record.training is None or not record.training.initial_weights:
        killed = record.training is None
        why = (
            "Its training did not end: `kzoo run --resume` goes on with it." if killed else "An older kzoo trained it."
        )
        message = f"The run {run.path} has no hash of its weights to compare with. {why}"
        raise UsageError(message)
    result = train(configure(file=run.config_path), root=root, listener=listener, argv=argv, debug=debug)
    assert result is not None, "this was no dry run"
    return result.run


def compare(then: Manifest, now: Manifest) -> Comparison:
    """Return what of two runs is equal, in the order in which it came about."""
    return Comparison(list(_lines(then, now)), list(other_surroundings(then, now)))


def _lines(then: Manifest, now: Manifest) -> Iterator[tuple[str, str, bool | None]]:
    data = list(other_data(then, now))
    yield "data", "; ".join(data) or f"{len(now.data.fingerprint)} splits", not data
    one, other = then.training, now.training
    if one is None or other is None:
        yield "weights", "one of the runs has no record of its training", None
        return
    same = one.initial_weights == other.initial_weights
    yield "initial weights", "equal" if same else "other ones", same
    yield from _epochs(one.epoch_weights, other.epoch_weights)
    yield from _history(one.history[: one.epochs], other.history[: other.epochs])
    if one.epochs == other.epochs:
        same = one.final_weights == other.final_weights
        yield "final weights", "equal" if same else "other ones", same
        found = [name for name in then.test_results if then.test_results[name] != now.test_results.get(name)]
        both = bool(then.test_results and now.test_results)
        words = ", ".join(f"{k} {then.test_results[k]} then, {now.test_results.get(k)} now" for k in found)
        yield "test results", words or ("equal" if both else "one of the runs has none"), not found if both else None


def _epochs(one: Sequence[str], other: Sequence[str]) -> Iterator[tuple[str, str, bool | None]]:
    count = min(len(one), len(other))
    differing = next((at for at in range(count) if one[at] != other[at]), None)
    if not count:
        yield "weights after each epoch", "no epoch came to its end in both", None
    elif differing is not None:
        yield "weights after each epoch", f"other ones after epoch {differing + 1}", False
    else:
        more = "" if len(one) == len(other) else f", of {len(one)} then and {len(other)} now"
        yield "weights after each epoch", f"equal after {count}{more}", True


def _history(one: Sequence[Any], other: Sequence[Any]) -> Iterator[tuple[str, str, bool | None]]:
    count = min(len(one), len(other))
    for at in range(count):
        for name, value in one[at].items():
            if other[at].get(name) != value:
                words = f"`{name}` of epoch {at + 1} was {value}, and is {other[at].get(name)} now"
                yield "metrics", words, False
                return
    yield (
        "metrics",
        f"equal in {count} epochs" if count else "no epoch came to its end in both",
        True if count else None,
    )
