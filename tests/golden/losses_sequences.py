"""Connectionist temporal classification, from torch in float64."""

import numpy as np
import torch
from agreement.case import Case

TORCH = f"torch {torch.__version__.partition('+')[0]} ctc_loss"
LABELS = {
    "one to three symbols": ([[1, 0, 0], [2, 1, 0], [3, 1, 2]], 6),
    "a symbol twice in a row": ([[1, 1, 0], [2, 2, 2], [3, 3, 1]], 7),
    "no symbol": ([[0, 0], [1, 0]], 4),
    "as many symbols as steps": ([[1, 2, 3], [3, 2, 1]], 3),
    "long": (1 + np.arange(60).reshape(2, 30) % 7, 80),
}


def cases():
    for seed, (note, (labels, steps)) in enumerate(LABELS.items()):
        y_true = np.asarray(labels, "int32")
        symbols = max(4, int(y_true.max()) + 1)
        y_pred = (np.random.default_rng(seed).normal(size=(len(y_true), steps, symbols)) * 2).astype("float32")
        wide = torch.tensor(y_pred.astype("float64"), requires_grad=True)
        value = torch.nn.functional.ctc_loss(
            torch.log_softmax(wide, -1).transpose(0, 1),
            torch.tensor(y_true.astype("int64")),
            torch.full((len(y_true),), steps),
            torch.tensor((y_true != 0).sum(1)),
            blank=0,
            reduction="none",
        )
        gradient = torch.autograd.grad(value.sum(), wide)[0].numpy()
        yield Case(
            kind="loss",
            component="ctc",
            reference=TORCH,
            note=note,
            inputs={"y_true": y_true, "y_pred": y_pred},
            expected={"value": value.detach().numpy(), "gradient": gradient},
        )
