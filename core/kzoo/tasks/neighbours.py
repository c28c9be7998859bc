"""What is said of one picture by its vector: the numbers themselves, and the pictures of a gallery nearest to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kzoo.tasks.predictions import Prediction

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np

__all__ = ["Neighbour", "VectorPrediction"]

_KEPT = 10
"""As many neighbours are told where nobody says how many."""


@dataclass(frozen=True)
class Neighbour:
    """A picture of a gallery.

    Attributes:
        image: Its path, from the gallery.
        kind: The folder in the gallery that it is in; empty for one in none.
        cosine: Of the angle between the two vectors, in [-1, 1]: 1 is as alike as can be.
    """

    image: str
    kind: str
    cosine: float

    @property
    def name(self) -> str:
        """Its kind, or where it has none the picture itself."""
        return self.kind or self.image


@dataclass(frozen=True, eq=False)
class VectorPrediction(Prediction):
    """The vector of one picture.

    Attributes:
        vector: Of length 1, float32 of shape (D,).
        search: Returns so many of the nearest pictures of a gallery, the nearest first; None where there is none.
    """

    vector: np.ndarray
    search: Callable[[int], Sequence[Neighbour]] | None = None

    def nearest(self, top: int) -> Sequence[Neighbour]:
        """Return the ``top`` nearest pictures of the gallery; none where there is no gallery."""
        return () if self.search is None else self.search(top)

    @property
    def text(self) -> str:
        """The nearest picture's kind and cosine, or how many numbers the vector has."""
        if self.search is None:
            return f"a vector of {len(self.vector)} numbers"
        return ", ".join(f"{one.name} {one.cosine:.2f}" for one in self.nearest(1)) or "nothing"

    def columns(self, top: int = 1) -> dict[str, Any]:
        """Return the nearest picture and the next ones in one column; without a gallery the vector's first numbers."""
        if self.search is None:
            shown = ", ".join(f"{number:.3f}" for number in self.vector[:top])
            return {"vector": f"{len(self.vector)} numbers: {shown}, ..."}
        found = self.nearest(top)
        best = found[0] if found else Neighbour("", "", float("nan"))
        row = {"nearest": best.image, "kind": best.kind, "cosine": f"{best.cosine:.4f}"}
        others = ", ".join(f"{one.image} {one.cosine:.3f}" for one in found[1:])
        return {**row, "next": others} if top > 1 else row

    def to_dict(self, top: int = 1) -> dict[str, Any]:
        """Return the vector, and of a gallery the ``top`` nearest pictures."""
        found: dict[str, Any] = {"vector": [round(float(number), 7) for number in self.vector]}
        if self.search is not None:
            found["nearest"] = [
                {"image": one.image, "kind": one.kind, "cosine": round(one.cosine, 6)} for one in self.nearest(top)
            ]
        return found

    def rows(self) -> list[dict[str, Any]]:
        """Return a row for each of the ten nearest pictures; without a gallery one with all numbers of the vector."""
        return self.best_rows(_KEPT)

    def best_rows(self, top: int) -> list[dict[str, Any]]:
        """Return a row for each of the ``top`` nearest pictures; without a gallery one with all numbers."""
        if self.search is None:
            return [{f"v{place}": float(number) for place, number in enumerate(self.vector)}]
        return [
            {"rank": rank, "nearest": one.image, "kind": one.kind, "cosine": one.cosine}
            for rank, one in enumerate(self.nearest(top), 1)
        ]
