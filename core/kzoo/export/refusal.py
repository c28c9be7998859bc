"""Why a model is not exported, as errors."""

from __future__ import annotations

from kzoo.errors import KzooError

__all__ = ["NotExportedError"]


class NotExportedError(KzooError):
    """A network has a part that is not written.

    Args:
        part: The layer, operation or network of Keras.
        why: What of it is not written; empty for all of it.
        known: What is written in its place; empty where that does not help.
    """

    def __init__(self, part: object, why: str = "", known: str = "") -> None:
        what = f"`{getattr(part, 'name', part)}` ({type(part).__name__}{why and f', {why}'})"
        instead = f" It writes {known}." if known else ""
        super().__init__(
            f"The network is not exported: kzoo has no ONNX for {what}.{instead} `--format saved-model` and `--format "
            "litert` go through TensorFlow, which writes any layer."
        )
