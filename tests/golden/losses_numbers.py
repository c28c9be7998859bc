"""Losses between numbers: from torch and kornia, by hand in torch's float64, and by mpmath with 60 digits."""

import kornia
import mpmath
import numpy as np
import torch
from agreement.case import Case

TORCH = f"torch {torch.__version__.partition('+')[0]}"
KORNIA = f"kornia {kornia.__version__}"
HAND = f"by hand, {TORCH} float64"
MPMATH = f"the paper's formula, mpmath {mpmath.__version__}, 60 digits"

SHAPES = [(5, 1), (4, 3), (1, 7), (2, 3, 4)]


def case(component, reference, y_true, y_pred, function, note=""):
    """Return the case of a loss; ``function`` returns one value for each sample, from float64 tensors."""
    true = torch.tensor(np.asarray(y_true, "float64"))
    pred = torch.tensor(np.asarray(y_pred, "float64"), requires_grad=True)
    value = function(true, pred)
    value.sum().backward()
    return Case(
        kind="loss",
        component=component,
        reference=reference,
        note=note,
        inputs={"y_true": y_true, "y_pred": y_pred},
        expected={"value": value.detach().numpy(), "gradient": pred.grad.numpy()},
    )


def numbers(seed, shape, scale=3.0):
    """Return targets and predictions that are exact in float32, some of them outliers, some equal."""
    rng = np.random.default_rng(seed)
    y_true = (rng.normal(size=shape) * scale).astype("float32")
    y_pred = (y_true + rng.normal(size=shape) * scale * 10.0 ** rng.integers(-2, 2, shape)).astype("float32")
    y_pred.flat[0] = y_true.flat[0]
    return y_true, y_pred


def of_kornia():
    """Yield the members of Barron's family that kornia has, one function each."""
    losses = kornia.losses
    for alpha, function in (
        ("-Infinity", losses.welsch_loss),
        (-2, losses.geman_mcclure_loss),
        (0, losses.cauchy_loss),
        (1, losses.charbonnier_loss),
    ):
        for seed, shape in enumerate(SHAPES):
            for c in (1.0, 2.5, 0.25):

                def loss(true, pred, function=function, c=c):
                    return function(pred / c, true / c, reduction="none").mean(-1)

                component = f"barron:alpha={alpha},c={c}"
                yield case(component, f"{KORNIA} {function.__name__}", *numbers(seed, shape), loss)


def of_torch():
    """Yield the cases of `gaussian_nll`, and of `barron` as the squared error."""
    for seed, shape in enumerate([(6, 1), (1, 1), (4,), (3, 5)]):
        rng = np.random.default_rng(seed)
        y_true, mean = (rng.normal(size=shape).astype("float32") * 5 for _ in range(2))
        variance = rng.uniform(0.01, 20, shape).astype("float32")
        for note, spread in (("", variance), ("variances below eps", variance * np.float32(1e-4))):
            several = len(shape) > 1 and shape[-1] > 1
            y_pred = np.stack([mean, spread], -1) if several or len(shape) == 1 else np.concatenate([mean, spread], -1)
            for full in (False, True):
                for eps in (1e-6, 1e-3):
                    made = torch.nn.GaussianNLLLoss(full=full, eps=eps, reduction="none")

                    def loss(true, pred, made=made):
                        flat = true.reshape(pred.shape[:-1])
                        return made(pred[..., 0], flat, pred[..., 1])

                    component = f"gaussian_nll:full={str(full).lower()},eps={eps}"
                    yield case(component, f"{TORCH} GaussianNLLLoss", y_true, y_pred, loss, note)
    for seed, shape in enumerate(SHAPES):

        def half_mse(true, pred):
            return torch.nn.functional.mse_loss(pred, true, reduction="none").mean(-1) / 2

        yield case("barron:alpha=2", f"{TORCH} mse_loss, halved", *numbers(seed, shape), half_mse)


def by_hand():
    """Yield the cases of `wing` and `charbonnier`, element by element."""

    def wing(w, epsilon):
        def one(error):
            if error < w:
                return w * torch.log(1 + error / epsilon)
            return error - (w - w * torch.log(torch.tensor(1 + w / epsilon, dtype=torch.float64)))

        return one

    def charbonnier(epsilon):
        return lambda error: (error * error + epsilon * epsilon) ** 0.5

    def mean_of(one):
        def loss(true, pred):
            errors = (true - pred).abs()
            return torch.stack([one(error) for error in errors.flatten()]).reshape(errors.shape).mean(-1)

        return loss

    for seed, shape in enumerate(SHAPES):
        for w, epsilon in ((10.0, 2.0), (5.0, 0.5), (1.5, 2.0), (15.0, 3.0)):
            yield case(f"wing:w={w},epsilon={epsilon}", HAND, *numbers(seed, shape, 8.0), mean_of(wing(w, epsilon)))
        for epsilon in (1e-3, 1e-9):
            yield case(f"charbonnier:epsilon={epsilon}", HAND, *numbers(seed, shape), mean_of(charbonnier(epsilon)))
    around = np.array([[-10.0], [10.0], [np.nextafter(np.float32(10), 0)], [0.0], [5000.0]], "float32")
    yield case("wing", HAND, 0 * around, around, mean_of(wing(10.0, 2.0)), "at the joint")


def near_limits():
    """Yield `barron` for shapes at, near and far from those where the formula is undefined."""
    mpmath.mp.dps = 60

    def rho(alpha, c):
        def one(error):
            z = (error / mpmath.mpf(c)) ** 2
            alpha_ = mpmath.mpf(alpha)
            if alpha == -np.inf:
                return 1 - mpmath.exp(-z / 2)
            if alpha in (0, 2):
                return z / 2 if alpha else mpmath.log(z / 2 + 1)
            b = abs(alpha_ - 2)
            return b / alpha_ * ((z / b + 1) ** (alpha_ / 2) - 1)

        return one

    special = (-2, 0, 1, 2)
    alphas = [at + sign * step for at in special for step in (1e-2, 1e-5, 1e-9) for sign in (-1, 1)]
    alphas += [*special, 0.5, 1.5, 3.0, 4.0, 1e-25, -1e-25, 1e-18, -5.0, -100.0, -1e6, -1e15, -1e30, -np.inf]
    # A difference is relative to the largest number, so each size of error is a case of its own.
    for errors in ([1e-6], [1e-3], [0.1, 0.9, -1.0, 3.0], [1.0, 40.0, -1000.0]):
        y_pred = np.array(errors, "float32")[:, None]
        found = [mpmath.mpf(float(error)) for error in y_pred[:, 0]]
        for alpha in alphas:
            one = rho(alpha, 1.0)
            yield Case(
                kind="loss",
                component=f"barron:alpha={'-Infinity' if alpha == -np.inf else repr(alpha)}",
                reference=MPMATH,
                note=f"errors of {errors}",
                inputs={"y_true": 0 * y_pred, "y_pred": y_pred},
                expected={
                    "value": np.array([float(one(error)) for error in found]),
                    "gradient": np.array([[float(mpmath.diff(one, error))] for error in found]),
                },
            )


def cases():
    yield from of_torch()
    yield from of_kornia()
    yield from by_hand()
    yield from near_limits()
