"""An extension of griffe, which reads docstrings for mkdocstrings: it knows ``Examples:``, kzoo writes ``Example:``."""

from __future__ import annotations

import re
from typing import Any

import griffe

_HEADING = re.compile(r"^(\s*)Example:\s*$", re.MULTILINE)


class SingularExamples(griffe.Extension):
    """Has the examples of a docstring shown as code, which they are."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Change the heading in what was read."""
        if obj.docstring:
            obj.docstring.value = _HEADING.sub(r"\1Examples:", obj.docstring.value)
