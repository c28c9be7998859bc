"""The texts of a training's progress, as wide as there is room: what matters least is left out first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Moment", "bar", "format_logs", "in_time", "line_of_epoch", "live_line", "values_of"]

_WIDEST_BAR, _NARROWEST_BAR = 24, 4
_GAP = "  "
_MORE = "..."


@dataclass(frozen=True)
class Moment:
    """Where a training is within an epoch.

    Attributes:
        title: Which epoch of how many: ``epoch 3/10``.
        step: The steps taken in it.
        steps: Those that there are.
        left: Seconds that the rest of its steps will take; None where nobody can tell.
        logs: The values so far.
        rate: The speed in words, or an empty text.
    """

    title: str
    step: int
    steps: int
    left: float | None
    logs: Mapping[str, Any]
    rate: str


def values_of(logs: Mapping[str, Any], *, whole: bool = False) -> list[str]:
    """Return logs as texts, ``loss 0.213`` first, those of the validation at the end; single values only.

    Args:
        logs: The logs.
        whole: Whether to return lists of numbers too.
    """
    names = [name for name, value in logs.items() if isinstance(value, (int, float)) or (whole and _is_row(value))]
    names.sort(key=lambda name: (name.startswith("val_"), name.removeprefix("val_") != "loss"))
    return [f"{name} {_number(logs[name])}" for name in names]


def format_logs(logs: Mapping[str, Any], *, whole: bool = False) -> str:
    """Return logs in one line: ``loss 0.213  accuracy 0.941  val_loss 0.252``; arguments as for `values_of`."""
    return _GAP.join(values_of(logs, whole=whole))


def line_of_epoch(title: str, logs: str, rest: str, width: int | None = None) -> str:
    """Return the line that an epoch leaves.

    Args:
        title: Which epoch.
        logs: Its values, as `format_logs` has them.
        rest: Speed and time.
        width: The most columns; where they are not enough, speed and time are left out, then the last values, for
            which ``...`` stands. None for no limit.
    """
    line = _GAP.join(filter(None, (title, logs, rest)))
    if width is None or len(line) <= width:
        return line
    values = logs.split(_GAP)
    if len(line := _GAP.join([title, *values])) <= width:
        return line
    while len(values) > 1:
        values.pop()
        if len(line := f"{_GAP.join([title, *values])} {_MORE}") <= width:
            return line
    return f"{title}{_GAP}{values[0]}"[:width]


def live_line(moment: Moment, width: int, *, ascii_only: bool = False) -> str:
    """Return the line that changes in place: title, bar, time left, then what fits of steps, values, speed."""
    left = "" if moment.left is None else f"{in_time(moment.left)} left"
    title = moment.title
    if len(title) + len(left) + _NARROWEST_BAR + 2 * len(_GAP) > width:
        title = title.rpartition(" ")[2]
    room = width - len(_GAP.join(filter(None, (title, left)))) - len(_GAP)
    steps = f"{moment.step}/{moment.steps}"
    extra = []
    # As if the bar were half as wide: a wide one is worth less than the loss.
    rest = room - _WIDEST_BAR // 2
    for text in (steps, *values_of(moment.logs), moment.rate):
        if not text or len(text) + len(_GAP) > rest:
            break
        extra.append(text)
        rest -= len(text) + len(_GAP)
    size = min(_WIDEST_BAR, room - sum(len(text) + len(_GAP) for text in extra))
    drawn = bar(moment.step, moment.steps, max(size, _NARROWEST_BAR), ascii_only=ascii_only)
    return _GAP.join(filter(None, (title, drawn, left, *extra)))[: max(width, 0)]


def bar(step: int, steps: int, size: int, *, ascii_only: bool = False) -> str:
    """Return a bar of ``size`` columns."""
    done, rest = "#." if ascii_only else "━─"
    full = size * step // steps if steps else size
    return done * full + rest * (size - full)


def in_time(seconds: float) -> str:
    """Return seconds as a clock has them.

    Example:
        >>> in_time(7.2), in_time(83), in_time(7384)
        ('0:07', '1:23', '2:03:04')
    """
    whole = round(seconds)
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


def _number(value: Any) -> str:
    return " ".join(f"{one:.4g}" for one in value) if isinstance(value, (list, tuple)) else f"{value:.4g}"


def _is_row(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and bool(value) and all(isinstance(one, (int, float)) for one in value)
