"""``python -m benchmarks NAME``: all that is measured of kzoo, each with its own options (``--help``)."""

import ast
import runpy
import sys
from pathlib import Path

HERE = Path(__file__).parent
NAMES = {
    "startup": "startup",
    "first-step": "first_step",
    "predict": "predict_once",
    "training": "training",
    "cifar10-front": "cifar10_front",
    "memory": "memory",
    "input": "image_folder",
    "detect": "detection_speed",
    "video": "video",
    "plugins": "many_plugins",
    "state": "state_cost",
    "chaos": "chaos",
    "export": "export",
    "demo": "demo",
    "compare": "comparison",
    "components": "every_component",
    "agreement": "agreement",
    "darknet": "darknet_agreement",
    "hostile": "hostile_inputs",
    "keras-tests": "keras_tests",
    "page": "page",
}


def main():
    asked = sys.argv[1] if len(sys.argv) > 1 else ""
    if asked not in NAMES:
        wrong = f"; there is no `{asked}`" if asked and not asked.startswith("-") else ""
        print(f"usage: python -m benchmarks NAME [OPTIONS]{wrong}\n")
        for name, module in NAMES.items():
            text = ast.get_docstring(ast.parse((HERE / f"{module}.py").read_text("utf-8")))
            print(f"  {name:<15}{text.splitlines()[0]}")
        return 0 if asked in ("", "-h", "--help") else 2
    sys.path[0] = str(HERE)  # as where the file itself is called
    path = HERE / f"{NAMES[asked]}.py"
    sys.argv = [str(path), *sys.argv[2:]]
    runpy.run_path(str(path), run_name="__main__")
    return 0


if __name__ == "__main__":
    sys.exit(main())
