"""Saved models that find their plugin components again, in any process.

Keras imports the module of a saved object only for its own packages, so a file with a foreign loss does not load in a
fresh process. Here the file is read first, and the plugins that own its objects are imported before Keras looks for
them. kzoo adds one member to the ``.keras`` archive, its card: which distributions the objects came from, what the
classes are called, and which pipeline reads the inputs. Plain Keras ignores it.
"""

from __future__ import annotations

import copy
import errno
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
from kzoo.models.archive import CARD, CONFIG, ModelFileError, opened
from kzoo.models.card import ModelCard
from kzoo.models.network import check_network, input_shape_of, objects_of, outputs_in
from kzoo.models.rehearsal import rehearse
from kzoo.models.weights import check_weights_file, read_weights
from kzoo.plugins.registry import Registry, get_registry
from kzoo.plugins.targets import load_target

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kzoo.models.archive import ModelArchive
    from kzoo.plugins.registry import Entry

__all__ = [
    "CARD",
    "card_in",
    "load_model",
    "load_weights",
    "owners_of",
    "read_card",
    "register_with_keras",
    "save_model",
]

_LONGEST_REASON = 600
_COMPONENT_KINDS = ("loss", "metric", "optimizer", "schedule", "regularizer")


def save_model(model: Any, path: Path, card: ModelCard | None = None) -> None:
    """Write a model as a ``.keras`` file, whole or not at all, with its card inside.

    Args:
        model: The Keras model.
        path: The file, ending in ``.keras``.
        card: What to remember beside the model; the origins of its components are added.

    Raises:
        OSError: It cannot be written.
    """
    with replacing(path) as temporary:
        model.save(temporary)
        with zipfile.ZipFile(temporary, "a") as archive:
            # A file that it cannot read again zipfile takes for another one, and begins an archive behind it.
            if CONFIG not in archive.namelist():
                reason = "what was just written cannot be read again"
                raise OSError(errno.EIO, reason, str(path))
            objects = _foreign_objects(json.loads(archive.read(CONFIG)))
            full = replace(card or ModelCard(), components=tuple(_origins(objects, get_registry())))
            full = replace(full, plugin=full.plugin or _plugin_of(full.pipeline, get_registry()))
            archive.writestr(CARD, json.dumps(full.to_dict(), indent=2))


def read_card(path: Path) -> ModelCard:
    """Return the card of a model that kzoo saved, or an empty one for any other ``.keras`` file.

    Raises:
        KzooError: The file is missing or no ``.keras`` file, or its card is damaged or does not belong to its network.
    """
    with opened(path) as archive:
        return card_in(archive, archive.read_json(CONFIG))


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

        run = Run(path)
        path = run.saved_model()
        if caution := run.caution():
            warnings.warn(caution, stacklevel=2)
    with opened(path) as archive:
        config = archive.read_json(CONFIG)
        check_network(path, config)
        card = card_in(archive, config)
        archive.check_members()
        with archive.weights() as (weights, size):
            stored = read_weights(path, weights, size)
    network = {key: value for key, value in config.items() if key != "compile_config"}
    config = config if compile else network
    missing = _import_owners(_foreign_objects(config), get_registry())
    stand_ins: dict[str, Any] = {}
    for name, where in missing.items():
        if compile or not where <= _REGULARIZER_KEYS:
            only_compiled = not any(one.foreign == name for one in objects_of(network))
            raise KzooError(_missing(name, where, card, path, predicts=compile and only_compiled))
        stand_ins[name] = _stand_in()
        warnings.warn(f"{path}: the regularizer {name} is not installed; it is left out.", stacklevel=2)
    try:
        rehearse(path, config, stored, stand_ins)
        return keras.saving.load_model(path, compile=compile, custom_objects=stand_ins)
    except KzooError:
        raise
    except Exception as error:  # what stands in a file can make Keras, TensorFlow or a layer fail with anything
        message = f"The model {path} cannot be loaded: {_in_our_words(error)}"
        raise KzooError(message) from error


def load_weights(model: Any, path: Path) -> None:
    """Give a network the weights in a file, a ``.keras`` or an ``.h5``, whose arrays must have its shapes.

    Raises:
        KzooError: The file is missing or damaged, or holds the weights of another network.
    """
    if path.suffix == ".keras":
        with opened(path) as archive:
            archive.check_members()
            with archive.weights() as (weights, size):
                read_weights(path, weights, size)
    else:
        check_weights_file(path)
    try:
        model.load_weights(path)
    except Exception as error:
        message = f"{path} does not hold the weights of {model.name}: {_in_our_words(error)}"
        raise KzooError(message) from error


def register_with_keras() -> list[str]:
    """Import every installed component, so that plain ``keras.saving.load_model`` finds them all.

    ``compile`` goes on to take losses and metrics as objects, ``compile(loss=kzoo.loss("emd"))``: it looks names up in
    Keras's own table only, and refuses any other at the first batch.

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


def card_in(archive: ModelArchive, config: dict[str, Any]) -> ModelCard:
    """Return the card in a model file, whose network has this description."""
    if CARD not in archive.names:
        return ModelCard()
    stored = archive.read_json(CARD)
    if isinstance(stored, dict) and "schema_version" not in stored:
        raise ModelFileError(archive.path, f"its member {CARD} holds a card that kzoo did not write")
    card = ModelCard.from_dict(stored, str(archive.path))
    card.check_against(input_shape_of(config), str(archive.path), outputs=outputs_in(config))
    return card


def _in_our_words(error: Exception) -> str:
    """Return why Keras cannot load a file, without its advice to have the file's code run."""
    reason = " ".join(str(error).split()) or type(error).__name__
    if "safe_mode" in reason or "unsafe_deserialization" in reason:
        return "it brings code or files of its own with it, and kzoo never runs or reads these for a model file."
    return reason if len(reason) <= _LONGEST_REASON else f"{reason[:_LONGEST_REASON]} ..."


def _import_wrappers() -> None:
    """Import all that kzoo itself may put into a saved model: every module of `kzoo.wrappers`."""
    for module in pkgutil.iter_modules(wrappers.__path__):
        importlib.import_module(f"{wrappers.__name__}.{module.name}")


def _foreign_objects(config: Any) -> dict[tuple[str, str], set[str]]:
    """Return the objects in a saved configuration that are not Keras's own.

    Returns:
        For each pair of module and registered name, the keys it stands under.
    """
    found: dict[tuple[str, str], set[str]] = {}
    for one in objects_of(config):
        if one.foreign:
            found.setdefault((one.module, one.foreign), set()).add(one.where)
    return found


def owners_of(name: str, registry: Registry) -> Iterable[Entry]:
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
    _import_wrappers()
    missing: dict[str, set[str]] = {}
    for (module, name), where in objects.items():
        if _is_known(name):
            continue
        package = name.partition(">")[0]
        owners = list(owners_of(name, registry))
        # Only modules of an installed plugin's own package are imported: a file must not choose what runs.
        if owners and module.split(".")[0] == package:
            importlib.import_module(module)
        for entry in owners:
            if not _is_known(name):
                load_target(entry)
        if not _is_known(name):
            missing[name] = where
    return missing


def _is_known(name: str) -> bool:
    """Return whether Keras finds a class, as `package>Class`, or by the bare name that a program gave it."""
    import keras

    found: bool = keras.saving.get_registered_object(name) is not None
    return found or name.partition(">")[2] in keras.saving.get_custom_objects()


def _origins(objects: Iterable[tuple[str, str]], registry: Registry) -> list[dict[str, str]]:
    """Return which distribution and version each object came from."""
    found = []
    for _, name in objects:
        owner = next(iter(owners_of(name, registry)), None)
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


def _missing(name: str, where: set[str], card: ModelCard, path: Path, *, predicts: bool) -> str:
    origin = next((c for c in card.components if c.get("name") == name), None)
    what = f"`{name}` (used as {', '.join(sorted(where))})"
    if origin:
        need = f"{origin['distribution']}=={origin['version']}"
        how = f"It comes from {origin['distribution']} {origin['version']}: install it with `pip install {need}`."
    else:
        how = (
            f"The file does not say which distribution it comes from; its import package is {name.partition('>')[0]!r}."
        )
    still = " Predicting needs no loss: `kzoo predict` works without it." if predicts else ""
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
