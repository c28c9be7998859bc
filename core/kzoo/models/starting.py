"""A network that begins with the weights of a trained one, layer by layer, as far as the two agree."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from kzoo.engine.started import MOST_NAMED, Started
from kzoo.errors import KzooError, UsageError
from kzoo.files import sha256_of
from kzoo.models.saving import load_model, read_card

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["recorded", "start_from"]


def start_from(model: Any, path: Path, class_names: Sequence[str] = ()) -> Started:
    """Give a network the weights of a trained one.

    Layers of the same kind whose arrays have the same shapes are taken over. Where both networks have as many layers
    with weights, each goes with the one in its place; else those go together that stand in the same order. The last
    one answers for classes: where these are others, it begins anew even if it has the shape.

    Args:
        model: The network, built; its layers are changed.
        path: The ``.keras`` file.
        class_names: The classes that it is to learn; empty where labels are not classes.

    Returns:
        What was taken and what was not.

    Raises:
        UsageError: No layer fits.
        KzooError: The file is missing or damaged, or a component's distribution is not installed.
    """
    try:
        trained, card = load_model(path, compile=False), read_card(path)
    except KzooError as error:
        message = f"--from: {error}"
        raise KzooError(message) from error
    mine, theirs = _weighted(model), _weighted(trained)
    taken, anew = list[str](), list[str]()
    others = bool(card.class_names and class_names) and tuple(card.class_names) != tuple(class_names)
    for own, other in _pairs(mine, theirs):
        if other is None or _shapes(own) != _shapes(other) or type(own) is not type(other):
            there = "nothing in its place" if other is None else f"{_said(other)} there"
            anew.append(f"`{own.name}` ({_said(own)} here, {there})")
        elif others and own is mine[-1]:
            anew.append(f"`{own.name}` (it answers for other classes)")
        else:
            store: dict[str, Any] = {}
            other.save_own_variables(store)
            own.load_own_variables(store)
            taken.append(own.name)
    if not taken:
        message = (
            f"--from: no layer of {path} fits this network, which begins anew in all of it: {_listed(anew)}. "
            "Train the same network as that run did: its config.toml has the recipe and the settings of [model]."
        )
        raise UsageError(message)
    return Started(path=path, taken=tuple(taken), anew=tuple(anew))


def recorded(started: Started) -> dict[str, Any]:
    """Return what the record of a run says of what it began with."""
    return {
        "path": str(started.path),
        "sha256": sha256_of(started.path),
        "layers": len(started.taken),
        "anew": list(started.anew),
    }


def _weighted(model: Any) -> list[Any]:
    """Return the layers that have weights of their own, those inside of others too, in the order of the network."""
    found: dict[int, Any] = {}

    def visit(layer: Any) -> None:
        if id(layer) in found:
            return
        found[id(layer)] = layer
        # The layers of a network in their order; of any other layer those that it keeps track of.
        for inner in getattr(layer, "layers", None) or layer._layers:  # noqa: SLF001 - there is no public name
            visit(inner)

    visit(model)
    return [layer for layer in found.values() if _own(layer)]


def _own(layer: Any) -> list[Any]:
    """Return the weights that are a layer's own, not those of layers in it, nor the state of what it draws."""
    return [*layer._trainable_variables, *layer._non_trainable_variables]  # noqa: SLF001 - `weights` has those of inner ones


def _shapes(layer: Any) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(weight.shape) for weight in _own(layer))


def _said(layer: Any) -> str:
    """Return a layer's kind and the shape of its largest weight."""
    largest = max(_shapes(layer), key=lambda shape: (len(shape), shape))
    return f"{type(layer).__name__} {'x'.join(map(str, largest))}"


def _pairs(mine: Sequence[Any], theirs: Sequence[Any]) -> list[tuple[Any, Any | None]]:
    """Return each layer of a network with the one of another that goes with it; None where there is none."""
    if len(mine) == len(theirs):
        return list(zip(mine, theirs, strict=True))
    kinds = [[(type(layer).__name__, _shapes(layer)) for layer in layers] for layers in (mine, theirs)]
    found: list[tuple[Any, Any | None]] = []
    matcher = difflib.SequenceMatcher(None, kinds[0], kinds[1], autojunk=False)
    for tag, i, j, k, m in matcher.get_opcodes():
        if tag == "equal":
            found += zip(mine[i:j], theirs[k:m], strict=True)
        else:
            found += [(layer, None) for layer in mine[i:j]]
    return found


def _listed(texts: Sequence[str]) -> str:
    more = f" and {len(texts) - MOST_NAMED} more" if len(texts) > MOST_NAMED else ""
    return f"{', '.join(texts[:MOST_NAMED])}{more}"
