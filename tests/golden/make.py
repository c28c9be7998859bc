"""Write the golden values in this folder from independent references; run in an environment of requirements.txt.

    python tests/golden/make.py             all families
    python tests/golden/make.py schedules   this one

Each family is a module of this folder with a function ``cases``, which yields `agreement.case.Case`s; they are written
to the ``.npz`` file of the same name. Every case names the reference and its version.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
sys.path[:0] = [str(FOLDER), str(FOLDER.parent)]

from agreement.case import write

FAMILIES = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "make")


def main():
    """Write the families asked for."""
    for family in sys.argv[1:] or FAMILIES:
        cases = list(importlib.import_module(family).cases())
        write(FOLDER / f"{family}.npz", cases)
        print(f"{family}: {len(cases)} cases of {len({case.name for case in cases})} components")  # noqa: T201 - a script


if __name__ == "__main__":
    main()
