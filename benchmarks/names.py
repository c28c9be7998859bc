"""What there is to measure: the names that ``python -m benchmarks`` takes, and the files that they stand for."""

from pathlib import Path

HERE = Path(__file__).parent
SHORT = {
    "image_folder": "input",
    "detection_speed": "detect",
    "many_plugins": "plugins",
    "state_cost": "state",
    "comparison": "compare",
    "every_component": "components",
    "darknet_agreement": "darknet",
    "hostile_inputs": "hostile",
    "predict_once": "predict",
    "fingers_strangers": "strangers",
}
"""Modules that go by a shorter name."""
PARTS = {"__main__", "front_picture", "measuring", "names", "results", "training_arms", "tutorial"}
"""What others are made of."""
NAMES = {
    SHORT.get(path.stem, path.stem.replace("_", "-")): path.stem
    for path in sorted(HERE.glob("*.py"))
    if path.stem not in PARTS
}
