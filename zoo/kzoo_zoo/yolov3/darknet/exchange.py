"""The pipeline's part in ``kzoo import-darknet`` and ``kzoo export-darknet``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["DarknetExchange"]


class DarknetExchange:
    """Reads networks from Darknet's files and writes their weights back; for a class that is a `Pipeline` besides."""

    def import_model(self, **files: Any) -> tuple[Any, dict[str, Any]]:
        """Return a Keras model and its card from the files that `load_network` takes."""
        from kzoo_zoo.yolov3.darknet.loading import load_network

        loaded = load_network(**files)
        return loaded.model, loaded.card

    def export_model(self, model: Any, card: Mapping[str, Any], path: Path) -> None:
        """Write the weights of a model as a Darknet file, with the header that it was imported with.

        Raises:
            DataError: The model was not made from a Darknet cfg.
        """
        from kzoo_zoo.yolov3.darknet.weights import Header, save_weights

        stored = card.get("darknet", {}).get("header")
        save_weights(model, path, Header.from_dict(stored) if stored else Header())
