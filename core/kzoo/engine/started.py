"""What a network that is to be trained took from a trained one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["MOST_NAMED", "Started"]

MOST_NAMED = 8
"""At most this many layers are named in one message."""


@dataclass(frozen=True, kw_only=True)
class Started:
    """What a network took from a trained one.

    Attributes:
        path: The file of that.
        taken: The names of the layers that have its weights.
        anew: The layers that begin anew, each with why, as a part of a sentence.
    """

    path: Path
    taken: tuple[str, ...]
    anew: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """What to say of it."""
        began = f"Begins with the weights of {self.path}: {len(self.taken)} layers."
        if not self.anew:
            return began
        more = f", and {len(self.anew) - MOST_NAMED} more" if len(self.anew) > MOST_NAMED else ""
        return f"{began} Beginning anew: {', '.join(self.anew[:MOST_NAMED])}{more}."
