"""``python -m benchmarks NAME``: all that is measured of kzoo, each with its own options (``--help``)."""

import ast
import runpy
import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).parent)  # as where the file itself is called

from names import HERE, NAMES  # noqa: E402


def main():
    asked = sys.argv[1] if len(sys.argv) > 1 else ""
    if asked not in NAMES:
        wrong = f"; there is no `{asked}`" if asked and not asked.startswith("-") else ""
        print(f"usage: python -m benchmarks NAME [OPTIONS]{wrong}\n")
        for name, module in NAMES.items():
            text = ast.get_docstring(ast.parse((HERE / f"{module}.py").read_text("utf-8")))
            print(f"  {name:<20}{text.splitlines()[0]}")
        return 0 if asked in ("", "-h", "--help") else 2
    path = HERE / f"{NAMES[asked]}.py"
    sys.argv = [str(path), *sys.argv[2:]]
    runpy.run_path(str(path), run_name="__main__")
    return 0


if __name__ == "__main__":
    sys.exit(main())
