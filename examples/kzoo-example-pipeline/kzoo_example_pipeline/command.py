"""``kzoo count-textures``."""

from collections import Counter

import kzoo
from kzoo.command import JsonOption, emit


def count_textures(run: str, folder: str, as_json: JsonOption = False) -> None:
    """Count the textures that a trained model sees in a folder of photos."""
    counts = Counter(found.label for found in kzoo.open(run).predict([folder]))
    rows = [{"texture": name, "photos": count} for name, count in counts.most_common()]
    emit(rows, {"texture": "texture", "photos": "photos"}, as_json=as_json)
