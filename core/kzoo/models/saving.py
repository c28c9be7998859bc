"""Saved models that find their plugin components again, in any process.

Keras imports the module of a saved object only for its own packages, so a file with a foreign loss does not load in a
fresh process. Here the file is read first, and the plugins that own its objects are imported before Keras looks for
them. kzoo adds one member to the ``.keras`` archive, its card: which distributions the objects came from, what the
classes are called, and which pipeline reads the inputs. Plain Keras ignores it.
"""

from __future__ import annotations

import copy
import importlib
import json
import pkgutil
import warnings
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kzoo import wrappers
from kzoo.arguments import path_text
from kzoo.errors import KzooError, UsageError
from kzoo.files import replacing
from kzoo.models.card import ModelCard
from kzoo.plugins.registry import Registry, get_registry
from kzoo.plugins.targets import load_target

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kzoo.plugins.registry import Entry

__all__ = ["CARD", "load_model", "read_card", "register_with_keras", "save_model"]

CARD = "kzoo.json"
"""The member of a ``.keras`` archive that kzoo adds."""

_COMPONENT_KINDS = ("loss", "metric", "optimizer", "schedule", "regularizer")


def save_model(model: Any, path: Path, card: ModelCard | None = None) -> None:
    """Write a model as a ``.keras`` file, whole or not at all, with its card inside.

    Args:
        model: The Keras model.
        path: The file, ending in ``.keras``.
        card: What to remember beside the model; the origins of its components are added.
    """
    with replacing(path) as temporary:
        model.save(temporary)
        with zipfile.ZipFile(temporary, "a") as archive:
            objects = _foreign_objects(json.loads(archive.read("config.json")))
            full = replace(card or ModelCard(), components=tuple(_origins(objects, get_registry())))
            full = replace(full, plugin=full.plugin or _plugin_of(full.pipeline, get_registry()))
            archive.writestr(CARD, json.dumps(full.to_dict(), indent=2))


def read_card(path: Path) -> ModelCard:
    """Return the card of a model that kzoo saved, or an empty one for any other ``.keras`` file.

    Raises:
        KzooError: The file is missing or no ``.keras`` file.
    """
    with _opened(path) as archive:
        return _card_in(archive, path)


def load_model(path: str | Path, *, compile: bool = True) -> Any:  # noqa: A002 - Keras's own name for it
    """Return a saved model with all its plugin components.

    Args:
        path: A ``.keras`` file, or a run's folder.
        compile: Whether to restore loss, metrics and optimizer. Predicting needs none of them, so without them a
            model loads even where the plugins that owned them are gone; a missing regularizer, which only training
            uses, is then left out with a warning.

    Raises:
        KzooError: The file is missing or damaged, or a component's distribution is not installed; `UsageError` where
            ``path`` is no path.
    """
    import keras

    path = Path(path_text(path, "path", expected="a .keras file or the folder of a run"))
    if path.is_dir():
        from kzoo.runs.folder import Run

        path = Run(path).saved_model()
    with _opened(path) as archive:
        config = json.loads(archive.read("config.json"))
        card = _card_in(archive, path)
    wanted = config if compile else {key: value for key, value in config.items() if key != "compile_config"}
    missing = _import_owners(_foreign_objects(wanted), get_registry())
    stand_ins: dict[str, Any] = {}
    for name, where in missing.items():
        if compile or not where <= _REGULARIZER_KEYS:
            raise KzooError(_missing(name, where, card, path, compiling=compile))
        stand_ins[name] = _stand_in()
        warnings.warn(f"{path}: the regularizer {name} is not installed; it is left out.", stacklevel=2)
    try:
        return keras.saving.load_model(path, compile=compile, custom_objects=stand_ins)
    except (ValueError, TypeError, KeyError, OSError) as error:
        reason = " ".join(str(error).split())[:600]
        message = f"The model {path} cannot be loaded: {reason}"
        raise KzooError(message) from error


def register_with_keras() -> list[str]:
    """Import every installed component, so that plain ``keras.saving.load_model`` finds them all.

    A component whose plugin is broken is left out with a warning.

    Returns:
        The qualified names of the components that Keras now knows.
    """
    _import_wrappers()
    registry, known = get_registry(), []
    for kind in _COMPONENT_KINDS:
        for entry in registry.entries(kind):
            try:
                load_target(entry)
            except KzooError as error:
                warnings.warn(f"left out: {error}", stacklevel=2)
            else:
                known.append(entry.qualified)
    return known


_REGULARIZER_KEYS = frozenset(
    {
        "kernel_regularizer",
        "bias_regularizer",
        "activity_regularizer",
        "depthwise_regularizer",
        "pointwise_regularizer",
        "recurrent_regularizer",
        "embeddings_regularizer",
        "gamma_regularizer",
        "beta_regularizer",
    }
)


def _opened(path: Path) -> zipfile.ZipFile:
    """Open a ``.keras`` archive, or say why that cannot be."""
    try:
        archive = zipfile.ZipFile(path)
    except FileNotFoundError as error:
        message = f"There is no model {path}."
        raise KzooError(message) from error
    except (zipfile.BadZipFile, OSError) as error:
        message = f"{path} is not a .keras model, or it is damaged: {error}."
        raise KzooError(message) from error
    if "config.json" not in archive.namelist():
        archive.close()
        message = f"{path} is a zip archive but not a .keras model: it holds no config.json."
        raise KzooError(message)
    return archive


def _card_in(archive: zipfile.ZipFile, path: Path) -> ModelCard:
    if CARD not in archive.namelist():
        return ModelCard()
    try:
        card = json.loads(archive.read(CARD))
    except (ValueError, zipfile.BadZipFile) as error:
        message = f"The card of kzoo in {path}, its member {CARD}, is damaged: {error}."
        raise KzooError(message) from error
    return ModelCard.from_dict(card, str(path))


def _import_wrappers() -> None:
    """Import all that kzoo itself may put into a saved model: every module of `kzoo.wrappers`."""
    for module in pkgutil.iter_modules(wrappers.__path__):
        importlib.import_module(f"{wrappers.__name__}.{module.name}")


def _foreign_objects(config: Any, key: str = "") -> dict[tuple[str, str], set[str]]:
    """Return the objects in a saved configuration that are not Keras's own.

    Returns:
        For each pair of module and registered name, the keys it stands under.
    """
    found: dict[tuple[str, str], set[str]] = {}
    for where, node in _walk(config, key):
        name = node.get("registered_name")
        module = node.get("module") or ""
        if isinstance(name, str) and ">" in name:
            found.setdefault((module, name), set()).add(where)
    return found


def _walk(node: Any, key: str) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(node, dict):
        if "class_name" in node:
            yield key, node
        for inner, value in node.items():
            yield from _walk(value, key if inner == "config" else inner)
    elif isinstance(node, list):
        for value in node:
            yield from _walk(value, key)


def _owner(name: str, registry: Registry) -> Iterable[Entry]:
    """Return the entries whose import package registered ``package>Class``."""
    package = name.partition(">")[0]
    return [
        entry
        for kind in (*_COMPONENT_KINDS, "pipeline")  # a pipeline's network may have layers of its own
        for entry in registry.entries(kind)
        if entry.spec.target.partition(":")[0].split(".")[0] == package
    ]


def _import_owners(objects: dict[tuple[str, str], set[str]], registry: Registry) -> dict[str, set[str]]:
    """Import the plugins that own the objects; return the names nobody owns, with the keys they stand under."""
    import keras

    _import_wrappers()
    missing: dict[str, set[str]] = {}
    for (module, name), where in objects.items():
        if keras.saving.get_registered_object(name) is not None:
            continue
        package = name.partition(">")[0]
        owners = list(_owner(name, registry))
        # Only modules of an installed plugin's own package are imported: a file must not choose what runs.
        if owners and module.split(".")[0] == package:
            importlib.import_module(module)
        for entry in owners:
            if keras.saving.get_registered_object(name) is None:
                load_target(entry)
        if keras.saving.get_registered_object(name) is None:
            missing[name] = where
    return missing


def _origins(objects: Iterable[tuple[str, str]], registry: Registry) -> list[dict[str, str]]:
    """Return which distribution and version each object came from."""
    found = []
    for _, name in objects:
        owner = next(iter(_owner(name, registry)), None)
        if owner:
            found.append({"name": name, "distribution": owner.distribution, "version": owner.version})
    return found


def _plugin_of(pipeline: str, registry: Registry) -> str:
    """Return the distribution and version that publish a pipeline, `name==version`; an empty text where none does."""
    try:
        entry = registry.pipeline(pipeline)
    except UsageError:
        return ""
    return f"{entry.distribution}=={entry.version}"


def _missing(name: str, where: set[str], card: ModelCard, path: Path, *, compiling: bool) -> str:
    origin = next((c for c in card.components if c.get("name") == name), None)
    what = f"`{name}` (used as {', '.join(sorted(where))})"
    if origin:
        need = f"{origin['distribution']}=={origin['version']}"
        how = f"It comes from {origin['distribution']} {origin['version']}: install it with `pip install {need}`."
    else:
        how = (
            f"The file does not say which distribution it comes from; its import package is {name.partition('>')[0]!r}."
        )
    still = " Predicting needs no loss: `kzoo predict` works without it." if compiling else ""
    return f"The model {path} needs {what}, which no installed plugin provides. {how}{still}"


def _stand_in() -> Any:
    """Return a regularizer class that adds nothing, for a model that only predicts."""
    import keras

    class LeftOut(keras.regularizers.Regularizer):  # type: ignore[misc]
        """Takes the place of a regularizer whose distribution is not installed."""

        def __init__(self, **config: Any) -> None:
            self._config = copy.deepcopy(config)

        def __call__(self, x: Any) -> float:
            del x
            return 0.0

        def get_config(self) -> dict[str, Any]:
            return self._config

    return LeftOut
