"""Adam on the rows of an embedding that were looked up, from torch's SparseAdam in float64."""

import numpy as np
import torch
from agreement.case import Case

ROWS, WIDTH, LOOKED_UP, STEPS = 7, 3, 4, 60
RECORDED = np.array([1, 2, 3, 5, 10, 30, 60])
TORCH = f"torch {torch.__version__.partition('+')[0]} SparseAdam"
ARGUMENTS = [
    {},
    {"learning_rate": 0.1, "epsilon": 1e-8},
    {"learning_rate": 0.05, "beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-3},
    {"learning_rate": 0.05, "beta_1": 0.0, "beta_2": 0.99},
]


def lookups(note):
    """Return a table, and for each step rows, some of them twice, and their gradients; exact in float32 and short."""
    rng = np.random.default_rng(len(note))
    start, gradients = (
        (np.round(rng.normal(size=size) * 64) / 64).astype("float32")
        for size in ((ROWS, WIDTH), (STEPS, LOOKED_UP, WIDTH))
    )
    rows = rng.integers(0, ROWS - 1, (STEPS, LOOKED_UP)).astype("int32")  # the last row stays
    rows[rows == 2] = 0
    rows[rng.random(STEPS) < 0.1, 0] = 2  # and this one is rare
    return start, rows, gradients


def run(start, rows, gradients, arguments):
    """Return the table after each step recorded."""
    table = torch.nn.Parameter(torch.tensor(start.astype("float64")))
    betas = (arguments.get("beta_1", 0.9), arguments.get("beta_2", 0.999))
    rate, epsilon = arguments.get("learning_rate", 0.001), arguments.get("epsilon", 1e-7)
    optimizer = torch.optim.SparseAdam([table], lr=rate, betas=betas, eps=epsilon)
    found = []
    for step in range(1, STEPS + 1):
        values = torch.tensor(gradients[step - 1].astype("float64"))
        index = torch.tensor(rows[step - 1].astype("int64"))[None]
        table.grad = torch.sparse_coo_tensor(index, values, table.shape, check_invariants=True)
        optimizer.step()
        if step in RECORDED:
            found.append(table.detach().numpy().copy())
    return np.stack(found)


def cases():
    for arguments in ARGUMENTS:
        start, rows, gradients = lookups("rows")
        component = {"name": "lazy_adam", **arguments}
        inputs = {"start0": start, "gradients0": gradients, "rows0": rows}
        expected = {"steps": RECORDED, "weights0": run(start, rows, gradients, arguments)}
        yield Case(
            kind="optimizer", component=component, reference=TORCH, note="rows", inputs=inputs, expected=expected
        )
        every = np.broadcast_to(np.arange(LOOKED_UP, dtype="int32"), (STEPS, LOOKED_UP))
        start = start[:LOOKED_UP]
        expected = {"steps": RECORDED, "weights0": run(start, every, gradients, arguments)}
        inputs = {"start0": start, "gradients0": gradients}
        yield Case(
            kind="optimizer", component=component, reference=TORCH, note="dense", inputs=inputs, expected=expected
        )
