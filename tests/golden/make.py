"""Write the golden values in this folder from independent references; run in an environment of requirements.txt.

    python tests/golden/make.py

Every file names the reference and its version. A new reference adds a function here and a file beside it.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import torch

FOLDER = Path(__file__).parent

ONE_CYCLE_CASES = [
    {"max_learning_rate": 0.1, "total_steps": 20},
    {"max_learning_rate": 0.1, "total_steps": 20, "anneal_strategy": "linear"},
    {"max_learning_rate": 0.1, "total_steps": 20, "three_phase": True},
    {"max_learning_rate": 1.0, "total_steps": 33, "three_phase": True, "anneal_strategy": "linear", "pct_start": 0.25},
    {"max_learning_rate": 3e-3, "total_steps": 101, "pct_start": 0.05, "div_factor": 10.0, "final_div_factor": 100.0},
    {"max_learning_rate": 0.5, "total_steps": 7, "pct_start": 0.0},
    {"max_learning_rate": 0.5, "total_steps": 7, "pct_start": 0.1},
    {"max_learning_rate": 0.5, "total_steps": 1},
    {"max_learning_rate": 0.5, "total_steps": 2},
]


def one_cycle(max_learning_rate: float, **arguments: object) -> list[float]:
    """Return the learning rate that torch uses at every step of the run."""
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=1.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=max_learning_rate, cycle_momentum=False, **arguments
    )
    rates = []
    for _ in range(arguments["total_steps"]):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the step after the last one warns
            schedule.step()
    return rates


def write(name: str, reference: str, cases: list[dict]) -> None:
    """Write one file of golden values."""
    text = json.dumps({"reference": reference, "cases": cases}, indent=1)
    (FOLDER / name).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    write(
        "one_cycle.json",
        f"torch.optim.lr_scheduler.OneCycleLR, torch {torch.__version__}",
        [{"arguments": case, "learning_rates": one_cycle(**case)} for case in ONE_CYCLE_CASES],
    )
