"""What a model file is, said without building it: neither TensorFlow nor Keras is imported."""

from __future__ import annotations

import importlib.metadata
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from kzoo.errors import KzooError
from kzoo.files import sha256_of
from kzoo.models.archive import CONFIG, EXPORTED, METADATA, WEIGHTS, ModelArchive, ModelFileError, opened, regular
from kzoo.models.card import ModelCard
from kzoo.models.network import faults_of, input_shape_of, objects_of
from kzoo.models.onnx_file import read_onnx
from kzoo.models.saving import card_in, owners_of
from kzoo.models.weights import StoredWeights, read_weights
from kzoo.plugins.registry import get_registry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

__all__ = ["Inspection", "Need", "inspect"]


@dataclass(frozen=True, kw_only=True)
class Need:
    """A distribution that a model was made with.

    Attributes:
        distribution: Its name; empty where the file does not say it.
        version: The version that the model was made with.
        installed: The version that is installed here; empty where none is.
        provides: What of the model is its: components, layers, the pipeline.
    """

    distribution: str
    version: str
    installed: str
    provides: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """What a model file says of itself.

    Attributes:
        path: The file.
        bytes: Its size.
        sha256: Its SHA-256.
        keras: The version of Keras that wrote it; empty for one that was exported.
        saved: When, as that says.
        card: What kzoo stored in it; an empty card where it did not write it.
        network: The class of the network.
        layers: How many layers stand in its description.
        input_shape: The shape of one input, None for a side of any length; None where it is not said.
        weights: What its file of weights holds, or None where that cannot be read.
        needs: The distributions that it was made with, beside Keras.
        faults: What is wrong with it, empty where nothing is.
        made: Of an ONNX file how it was exported, as plain data; empty for any other.
    """

    path: Path
    bytes: int
    sha256: str
    keras: str
    saved: str
    card: ModelCard
    network: str
    layers: int
    input_shape: tuple[int | None, ...] | None
    weights: StoredWeights | None
    needs: tuple[Need, ...]
    faults: tuple[str, ...]
    made: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {**asdict(self), "path": str(self.path), "card": self.card.to_dict()}


def inspect(path: Path) -> Inspection:
    """Look at a model file from its first byte to its last; what is wrong with it is collected and not raised.

    Raises:
        KzooError: There is no such file, or it is no file that could be read.
    """
    try:
        with regular(path) as file:
            size = file.seek(0, 2)
        digest = sha256_of(path)
    except OSError as error:
        message = f"The model file {path} cannot be read: {error.strerror or error}."
        raise KzooError(message) from error
    if path.suffix == ".onnx":
        return _of_onnx(path, size, digest)
    named = path.suffix == ".keras" or path.suffix.lower() in EXPORTED  # of the latter it is said what they are
    faults = [] if named else ["its name does not end in .keras, so Keras does not read it"]

    def tried(read: Callable[[], Any], otherwise: Any) -> Any:
        try:
            return read()
        except ModelFileError as error:
            faults.append(error.fault)
        except KzooError as error:
            faults.append(str(error))
        return otherwise

    found: dict[str, Any] = {"config": None, "metadata": {}, "card": ModelCard(), "weights": None}

    def look() -> None:
        with opened(path) as archive:
            for name in archive.names:
                tried(partial(archive.check_member, name), None)
            found["config"] = tried(lambda: archive.read_json(CONFIG), None)
            found["metadata"] = tried(lambda: archive.read_json(METADATA), {})
            found["card"] = tried(lambda: card_in(archive, found["config"]), ModelCard())
            found["weights"] = tried(lambda: _weights(archive), None)

    tried(look, None)
    config, metadata, card = found["config"], found["metadata"], found["card"]
    if config is not None:
        faults += [fault for fault, _ in faults_of(config)]
    config = config if isinstance(config, dict) else {}
    metadata = metadata if isinstance(metadata, dict) else {}
    objects = objects_of(config)
    return Inspection(
        path=path,
        bytes=size,
        sha256=digest,
        keras=_text(metadata.get("keras_version")),
        saved=_text(metadata.get("date_saved")),
        card=card,
        network=_text(config.get("class_name")),
        layers=sum(one.where == "layers" for one in objects),
        input_shape=input_shape_of(config),
        weights=found["weights"],
        needs=_needs(card, {one.foreign for one in objects if one.foreign}),
        faults=tuple(dict.fromkeys(faults)),
    )


def _of_onnx(path: Path, size: int, digest: str) -> Inspection:
    """Look at what was exported from a model."""
    faults: tuple[str, ...] = ()
    found = None
    try:
        found = read_onnx(path)
    except ModelFileError as error:
        faults = (error.fault,)
    except KzooError as error:
        faults = (str(error),)
    card = found.card if found else ModelCard()
    return Inspection(
        path=path,
        bytes=size,
        sha256=digest,
        keras="",
        saved="",
        card=card,
        network="ONNX" if found else "",
        layers=found.nodes if found else 0,
        input_shape=found.input_shape if found else None,
        weights=StoredWeights(found.arrays, found.numbers, found.numbers) if found else None,
        needs=_needs(card, set()),
        faults=faults,
        made={"producer": found.producer, "dtype": found.dtype, **found.made} if found else {},
    )


def _weights(archive: ModelArchive) -> StoredWeights:
    if WEIGHTS in archive.names:
        archive.check_member(WEIGHTS)  # what stands in one that is not what its checksum says means nothing
    with archive.weights() as (file, size):
        return read_weights(archive.path, file, size)


def _needs(card: ModelCard, foreign: set[str]) -> tuple[Need, ...]:
    """Return the distributions of the objects of a network and of its pipeline."""
    provides: dict[tuple[str, str], list[str]] = {}
    said = {one["name"]: one for one in card.components if "name" in one}
    for name in sorted(foreign):
        one = said.get(name)
        if one is None:
            owner = next(iter(owners_of(name, get_registry())), None)
            one = {"distribution": owner.distribution, "version": ""} if owner else {}
        key = (one.get("distribution", ""), one.get("version", ""))
        provides.setdefault(key, []).append(name)
    if card.pipeline:
        distribution, _, version = card.plugin.partition("==")
        provides.setdefault((distribution, version), []).append(card.pipeline)
    return tuple(
        Need(distribution=name, version=version, installed=_installed(name), provides=tuple(of))
        for (name, version), of in sorted(provides.items())
    )


def _installed(distribution: str) -> str:
    """Return the version of a distribution that is installed, or an empty text."""
    try:
        return importlib.metadata.version(distribution) if distribution else ""
    except (importlib.metadata.PackageNotFoundError, ValueError):
        return ""


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
