"""What a person fills in for one input of a model that reads no pictures."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["InputField"]


@dataclass(frozen=True, kw_only=True)
class InputField:
    """One field of a form.

    Attributes:
        name: Its name, under which `kzoo.pipeline.Reader.item` takes its text.
        choices: The texts that it can have; empty where it takes any.
        default: What stands in it to begin with.
        words: What belongs there, in a few words.
    """

    name: str
    choices: tuple[str, ...] = ()
    default: str = ""
    words: str = ""
