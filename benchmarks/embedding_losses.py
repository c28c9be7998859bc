"""Train each loss of embeddings for a short while on Omniglot, and print what is found of alphabets never learned.

    python benchmarks/embedding_losses.py --data FOLDER
    python benchmarks/embedding_losses.py --data FOLDER --only supcon,npairs --epochs 12 --seed 1

The network is smaller than that of the default recipe, so that all losses take some minutes on two cores.
"""

from __future__ import annotations

import argparse
import tempfile
import time

import kzoo
from kzoo.plugins.registry import get_registry

OPTIONS = {
    "data.image_size": 28,
    "data.validation_fraction": 0,
    "model.widths": [32, 64, 64],
    "train.monitor": "loss",
    "train.save_every": "off",
    "report": False,
}
FIGURES = ("recall_1", "recall_5", "map_r", "verification_auc", "equal_error_rate")


def main():
    """Print a row for each loss."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="Omniglot, or any folder of kinds.")
    parser.add_argument("--only", default="", help="These losses, with commas between them.")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    names = [name for name in asked.only.split(",") if name] or [
        entry.name for entry in get_registry().fitting("loss", "embedding") if entry.spec.inputs
    ]
    print(f"{'loss':<18}" + "".join(f"{name:>18}" for name in FIGURES) + f"{'CPU s':>8}", flush=True)
    with tempfile.TemporaryDirectory() as out:
        for name in names:
            began = time.process_time()
            result = kzoo.run(
                "embedding",
                loss=name,
                data=asked.data,
                epochs=asked.epochs,
                batch_size=64,
                seed=asked.seed,
                out=out,
                options=OPTIONS,
                verbose=0,
            )
            found = result.run.manifest().test_results
            row = "".join(f"{found[figure]:>18.3f}" for figure in FIGURES)
            print(f"{name:<18}{row}{time.process_time() - began:>8.0f}", flush=True)


if __name__ == "__main__":
    main()
