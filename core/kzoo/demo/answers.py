"""A prediction as a page shows it: plain data for bars, a table and a picture."""

from __future__ import annotations

import base64
import io
import math
from typing import TYPE_CHECKING, Any

from kzoo.inference.predicting import drawn
from kzoo.pipeline import ClassPrediction, LabelsPrediction

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from kzoo.inference.predicting import Result
    from kzoo.pipeline import Prediction, Reader

__all__ = ["answered", "as_jpeg"]

_MOST_BARS = 12
_MOST_ROWS = 100
_TOP = 3  # as `kzoo predict` has it by itself
_LARGEST_SHOWN = 1600  # pixels of the longer side of a picture that is sent back
_QUALITY = 88


def answered(reader: Reader, result: Result) -> dict[str, Any]:
    """Return what a page shows of a result.

    Returns:
        ``text``, the answer in a few words; ``answer``, all of it as `kzoo predict --json` has it; ``bars``, names and
        probabilities; ``columns`` and ``rows`` of a table; ``doubts``; ``picture``, drawn, as an address that holds it,
        or an empty text; ``seconds`` that it took.
    """
    prediction = result.prediction
    if prediction is None:
        return {"error": result.error}
    bars = _bars(prediction)
    rows = [] if bars else prediction.rows()[:_MOST_ROWS]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    picture = drawn(reader, result)
    shown: dict[str, Any] = plain(
        {
            "text": prediction.text,
            "answer": prediction.to_dict(_TOP),
            "bars": bars,
            "columns": columns,
            "rows": [[row.get(name) for name in columns] for row in rows],
            "doubts": list(result.doubts),
            "picture": "" if picture is None else as_jpeg(picture),
            "seconds": result.seconds,
        }
    )
    return shown


def as_jpeg(pixels: np.ndarray, longest: int = _LARGEST_SHOWN) -> str:
    """Return a picture as a ``data:`` address, made smaller where a side is longer than ``longest``."""
    from PIL import Image

    image = Image.fromarray(pixels)
    image.thumbnail((longest, longest))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=_QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"


def plain(value: Any) -> Any:
    """Return a value as JSON can have it: arrays as lists, numbers as Python's own, and None for what is not finite."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if hasattr(value, "items"):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)


def _bars(prediction: Prediction) -> Sequence[tuple[str, float]]:
    """Return the classes with their probabilities: in their order where they are few, so that none of them jumps."""
    if not isinstance(prediction, (ClassPrediction, LabelsPrediction)):
        return []
    named: Mapping[str, float] = prediction.probabilities
    if len(named) <= _MOST_BARS:
        return list(named.items())
    return sorted(named.items(), key=lambda item: -item[1])[:_MOST_BARS]
