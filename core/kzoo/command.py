"""What the author of a command imports: output, the shared option, downloads, saved models, TensorFlow's start.

Light: what is heavy behind these names is imported when they are used. How a command is published is in
`kzoo.plugin.CommandSpec`.

Example:
    >>> from kzoo.command import JsonOption, emit
    >>> def count_letters(word: str, as_json: JsonOption = False) -> None:
    ...     emit([{"word": word, "letters": len(word)}], {"word": "word", "letters": "letters"}, as_json=as_json)
    >>> count_letters("zoo")
    WORD  LETTERS
    zoo         3
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from kzoo.cli.options import JsonOption, debugging
from kzoo.cli.output import emit, emit_json, error, say, show, warn

if TYPE_CHECKING:
    from kzoo.cli.transfers import TransferLine
    from kzoo.models.card import ModelCard
    from kzoo.models.saved import find_model
    from kzoo.models.saving import load_model, load_weights, save_model

__all__ = [
    "JsonOption",
    "ModelCard",
    "TransferLine",
    "debugging",
    "emit",
    "emit_json",
    "error",
    "find_model",
    "load_model",
    "load_weights",
    "save_model",
    "say",
    "show",
    "start_tensorflow",
    "warn",
]

_HOMES = {
    "TransferLine": "kzoo.cli.transfers",
    "ModelCard": "kzoo.models.card",
    "find_model": "kzoo.models.saved",
    "load_model": "kzoo.models.saving",
    "load_weights": "kzoo.models.saving",
    "save_model": "kzoo.models.saving",
}


def start_tensorflow() -> None:
    """Import TensorFlow and Keras as every command of kzoo does; what TensorFlow says is shown with ``--debug``.

    Call it before anything that imports Keras, and after all that can be refused without.

    Raises:
        KzooError: Keras is set to another backend, or TensorFlow cannot be imported.
    """
    from kzoo.engine import runtime

    runtime.start(debug=debugging())


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        message = f"module 'kzoo.command' has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(importlib.import_module(_HOMES[name]), name)
