"""What the values in masks mean: which class, which colour, or none."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from kzoo.errors import DataError, UsageError
from kzoo.tasks.mask_drawing import palette_of
from kzoo.tasks.mask_measures import NO_CLASS
from kzoo_zoo.segmentation.mask_files import COLOURS, NUMBERS, RawMask, colour_of, written
from kzoo_zoo.segmentation.naming import Named, colour_in

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from kzoo_zoo.segmentation.settings import MaskSettings

__all__ = ["Legend", "Seen", "legend_of"]

_MOST_FOUND = 64
"""More colours than that, found by looking, are a photo or a mask with smoothed edges and no classes."""

_WHITE = 255


@dataclass
class Seen:
    """The values in all masks.

    Attributes:
        kinds: How many files have numbers, and how many colours.
        numbers: The files of the numbers in masks of numbers: the first that has each.
        colours: Likewise of colours, in all masks as far as their colours are known.
        palette: The palette of the first file with one; None where none has any.
    """

    kinds: Counter[str] = field(default_factory=Counter)
    numbers: dict[int, str] = field(default_factory=dict)
    colours: dict[int, str] = field(default_factory=dict)
    palette: np.ndarray | None = None

    def add(self, mask: RawMask, name: str) -> None:
        """Take in the values of one file."""
        self.kinds[mask.kind] += 1
        own = np.unique(mask.values).tolist()
        for value in own:
            if mask.kind == NUMBERS:
                self.numbers.setdefault(int(value), name)
        for value in np.unique(mask.seen().in_colours().values).tolist():
            self.colours.setdefault(int(value), name)
        if self.palette is None:
            self.palette = mask.palette


@dataclass(frozen=True, eq=False)
class Legend:
    """What values mean.

    Attributes:
        class_names: The K names.
        kind: `NUMBERS` or `COLOURS`.
        values: The value of each class, in the order of the names; -1 where masks have none of it.
        ignored: The values of pixels without a class.
        colours: A colour for each class, uint8 of shape (K, 3).
        notes: What a user must know of how this was found.
    """

    class_names: tuple[str, ...]
    kind: str
    values: tuple[int, ...]
    ignored: frozenset[int]
    colours: np.ndarray
    notes: tuple[str, ...] = ()

    def indices(self, mask: RawMask, name: str) -> np.ndarray:
        """Return the class index of every pixel, uint8 of shape (H, W); `NO_CLASS` where there is none.

        Raises:
            DataError: A pixel has another value than those of the classes.
        """
        raw = mask.in_colours().values if self.kind == COLOURS else mask.values
        table = {value: index for index, value in enumerate(self.values)} | dict.fromkeys(self.ignored, NO_CLASS)
        known = np.array(sorted(table), np.int64)
        place = np.clip(np.searchsorted(known, raw), 0, len(known) - 1)
        strange = known[place] != raw
        if strange.any():
            row, column = (int(part[0]) for part in np.nonzero(strange))
            message = self.unknown(int(raw[row, column]), name, f" at column {column}, row {row}")
            raise DataError(message)
        return np.array([table[int(value)] for value in known], np.uint8)[place]

    def unknown(self, value: int, name: str, where: str = "") -> str:
        """Return what to say of a value that is no class."""
        what = "colour" if self.kind == COLOURS else "value"
        known = ", ".join(
            f"{written(value, self.kind)} {name}" for value, name in zip(self.values, self.class_names, strict=True)
        )
        shown = written(value, self.kind)
        asked = f'"{shown}"' if self.kind == COLOURS else shown
        none = ", ".join(written(one, self.kind) for one in sorted(self.ignored)) or "none"
        return (
            f"The mask {name} has the {what} {shown}{where}, which is none of the {len(self.values)} classes ({known}) "
            f"and none that means no class ({none}). If its pixels have no class, say so: -o 'data.ignore={asked}'. "
            "Else name its class in classes.txt."
        )


def legend_of(
    seen: Seen,
    settings: MaskSettings,
    named: Sequence[Named] = (),
    where: str = "",
    *,
    known: Sequence[str] = (),
    whole: bool = False,
    rim: Collection[int] = (),
) -> Legend:
    """Return what the values in masks mean.

    Args:
        seen: The values.
        settings: Which mean no class.
        named: The classes, where somebody names them.
        where: Who does.
        known: The classes of the model that is measured on them.
        whole: Whether they are only measured on.
        rim: Numbers that mean no class by the data's own account.

    Raises:
        DataError: A value is none of the named classes, or there are no two classes.
    """
    if not named and whole and known:
        named, where = [Named(name, number) for number, name in enumerate(known)], "the model"
        if all(name.isdecimal() for name in known):
            named = [Named(name, int(name)) for name in known]
        elif all(colour_in(name) is not None for name in known):
            named = [Named(name, number, colour_in(name)) for number, name in enumerate(known)]
    colours = seen.kinds[COLOURS] > 0
    if not colours and named and named[0].colour is not None and not _fit_as_numbers(seen, named, settings):
        colours = True  # a palette that says the colours, its numbers in an order of its own
    ignored = _ignored(settings.ignore, colours=colours) | frozenset(() if colours else rim)
    if not colours and (legend := _black_and_white(seen, named, where, whole=whole)) is not None:
        return legend
    kind, values = (COLOURS, seen.colours) if colours else (NUMBERS, seen.numbers)
    if named:
        legend = _of_named(seen, kind, named, where, ignored)
        for value, name in values.items():
            if value not in ignored and value not in legend.values:
                raise DataError(legend.unknown(value, name))
        return legend
    return _found(seen, kind, values, ignored)


def _fit_as_numbers(seen: Seen, named: Sequence[Named], settings: MaskSettings) -> bool:
    ignored = _ignored(settings.ignore, colours=False)
    return seen.numbers.keys() <= {one.value for one in named} | ignored


def _ignored(stated: Any, *, colours: bool) -> frozenset[int]:
    """Return the values that mean no class; a number says nothing of colours, and a colour nothing of numbers."""
    parts = [stated] if isinstance(stated, (int, str)) else list(stated)
    found = set()
    for part in parts:
        text = str(part).strip()
        colour = colour_in(text)
        if colour is None and not text.isdecimal():
            message = f"`data.ignore` must be numbers or colours as in #e0e0c0, not {part!r}."
            raise UsageError(message)
        if (colour is not None) == colours:
            found.add(int(text) if colour is None else colour)
    return frozenset(found)


def _black_and_white(seen: Seen, named: Sequence[Named], where: str, *, whole: bool) -> Legend | None:
    """Return the legend of masks that are black and white throughout; None for any others."""
    if not set(seen.numbers) <= {0, _WHITE} or _WHITE not in seen.numbers or len(named) not in (0, 2):
        return None
    names = tuple(one.name for one in named) or ("background", "foreground")
    if 0 not in seen.numbers and not whole:
        message = (
            f"Every pixel of every mask is white (255), which is `{names[1]}`: there must be black ones (0), "
            f"`{names[0]}`, to tell it from."
        )
        raise DataError(message)
    note = f"The masks are black and white: 0 is `{names[0]}` and 255 is `{names[1]}`, not a pixel without a class." + (
        f" The names are those of {where}." if where else ""
    )
    return Legend(names, NUMBERS, (0, _WHITE), frozenset(), _colours_of(named, 2), (note,))


def _of_named(seen: Seen, kind: str, named: Sequence[Named], where: str, ignored: Collection[int]) -> Legend:
    if kind == COLOURS and any(one.colour is None for one in named):
        file = next(iter(seen.colours.values()))
        message = (
            f"The masks are in colours, as {file} is, and {where} names {len(named)} classes without a colour for "
            "each. Write it behind each name, as in `road 128 64 128`."
        )
        raise DataError(message)
    values = [one.colour if kind == COLOURS else one.value for one in named]
    pairs = [
        (one, value) for one, value in zip(named, values, strict=True) if value is not None and value not in ignored
    ]
    left = [one.name for one, value in zip(named, values, strict=True) if value in ignored]
    note = f"`{'`, `'.join(left)}` is no class: `data.ignore` names its value." if left else ""
    colours = _colours_of([one for one, _ in pairs], len(pairs), seen.palette if kind == NUMBERS else None)
    legend = Legend(
        tuple(one.name for one, _ in pairs), kind, tuple(value for _, value in pairs), frozenset(ignored), colours
    )
    return _checked(replace(legend, notes=(note,) if note else ()), seen)


def _found(seen: Seen, kind: str, values: Mapping[int, str], ignored: Collection[int]) -> Legend:
    """Return the legend of masks whose classes nobody names: each value that occurs is one."""
    order = sorted(value for value in values if value not in ignored)
    if len(order) > (_MOST_FOUND if kind == COLOURS else NO_CLASS):
        file = values[order[-1]]
        message = (
            f"The masks have {len(order):,} different {kind}, such as {written(order[-1], kind)} in {file}: photos "
            "have so many, or masks whose edges were smoothed or that were saved as JPEG. Save masks as PNG without "
            "smoothing, and name the classes in classes.txt, with a colour each."
        )
        raise DataError(message)
    names = tuple(written(value, kind) for value in order)
    if kind == COLOURS:
        colours = np.array([colour_of(value) for value in order], np.uint8).reshape(-1, 3)
    else:
        colours = _colours_of(
            [Named(name, value) for name, value in zip(names, order, strict=True)], len(order), seen.palette
        )
    shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")  # noqa: PLR2004
    note = (
        f"Nothing names the classes: they are called as the masks have them, {shown}. Write a classes.txt to name them."
    )
    return _checked(Legend(names, kind, tuple(order), frozenset(ignored), colours, (note,)), seen)


def _checked(legend: Legend, seen: Seen) -> Legend:
    if len(legend.class_names) > NO_CLASS:
        message = f"There are {len(legend.class_names)} classes, and {NO_CLASS} are the most that a mask can have here."
        raise DataError(message)
    if len(legend.class_names) < 2:  # noqa: PLR2004 - one class is nothing to tell apart
        only = f"only the class `{legend.class_names[0]}`" if legend.class_names else "no class"
        must = "there must be two or more, such as what is looked for and what is around it"
        message = f"The masks have {only}: {must}."
        if not legend.ignored.isdisjoint(seen.colours if legend.kind == COLOURS else seen.numbers):
            message = (
                f"The masks have {only}, beside pixels that `data.ignore` says have none: {must}. With -o "
                "'data.ignore=[]' every value is a class."
            )
        raise DataError(message)
    return legend


def _colours_of(named: Iterable[Named], count: int, palette: np.ndarray | None = None) -> np.ndarray:
    """Return a colour for each class: its own, that of the masks' palette, or one that tells it from others."""
    named = list(named)
    if named and all(one.colour is not None for one in named):
        return np.array([colour_of(one.colour or 0) for one in named], np.uint8)
    if palette is not None and named and all(one.value < len(palette) for one in named):
        own = palette[[one.value for one in named]]
        if len(np.unique(own, axis=0)) == len(own) and not (own[:, 0] == own[:, 1]).all():
            return np.asarray(own, np.uint8)
    return palette_of(count)
