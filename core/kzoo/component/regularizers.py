"""The base class of regularizers."""

from __future__ import annotations

import keras

from kzoo.component.configuration import ConfigFromSignature

__all__ = ["Regularizer"]


class Regularizer(ConfigFromSignature, keras.regularizers.Regularizer):  # type: ignore[misc]
    """A regularizer whose configuration is read off its constructor."""
