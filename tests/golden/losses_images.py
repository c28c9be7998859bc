"""Losses and metrics of structural similarity, from torchmetrics and pytorch_msssim, in float64."""

import importlib.metadata
from types import MappingProxyType

import numpy as np
import pytorch_msssim
import torch
from agreement.case import Case
from torchmetrics.functional.image.ssim import _ssim_update

TM = f"torchmetrics {importlib.metadata.version('torchmetrics')} _ssim_update, where the window fits whole"
MSSSIM = f"pytorch_msssim {importlib.metadata.version('pytorch_msssim')}"
POWERS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
DEFAULTS = MappingProxyType({"data_range": 1.0, "kernel_size": 11, "sigma": 1.5, "k1": 0.01, "k2": 0.03})

# Their window's size follows from sigma.
SIGMAS = {3: 0.3, 5: 0.5, 9: 1.0, 11: 1.5}


def images(shape, seed, *, data_range=1.0, levels=256):
    """Return two sets of images of shape (N, H, W, C) in few levels, so that the file is small and float32 exact."""
    rng = np.random.default_rng(seed)
    n, height, width, channels = shape
    y, x = np.mgrid[:height, :width]
    waves = [np.cos(x * rng.uniform(0.05, 0.6) + y * rng.uniform(0.05, 0.6) + i) for i in range(n * channels)]
    true = 0.5 + 0.3 * np.stack(waves).reshape(n, channels, height, width).transpose(0, 2, 3, 1)
    pred = true + rng.normal(size=shape) * 0.1
    return [(np.round(np.clip(value, 0, 1) * levels) / levels * data_range).astype("float32") for value in (true, pred)]


def tm_ssim(y, p, *, data_range, kernel_size, sigma, k1, k2):
    """Return torchmetrics' SSIM of each image, and its product of contrast and structure, without the border.

    Its own mean is over the border too, where it reflects the image.
    """
    assert SIGMAS[kernel_size] == sigma
    arguments = {"data_range": data_range, "sigma": sigma, "k1": k1, "k2": k2}
    _, full = _ssim_update(p, y, return_full_image=True, **arguments)
    _, structure = _ssim_update(p, y, return_contrast_sensitivity=True, **arguments)
    inside = slice(kernel_size // 2, -(kernel_size // 2))
    return full[..., inside, inside].mean((1, 2, 3)), structure


def tm_ms_ssim(y, p, *, powers, **arguments):
    """Return MS-SSIM of each image from torchmetrics' parts, channel by channel."""
    by_channel = []
    for c in range(y.shape[1]):
        one, other = y[:, c : c + 1], p[:, c : c + 1]
        product = 1.0
        for scale, power in enumerate(powers):
            similarity, structure = tm_ssim(one, other, **arguments)
            factor = similarity if scale == len(powers) - 1 else structure
            product = product * factor.clamp_min(0) ** power
            one, other = (torch.nn.functional.avg_pool2d(value, 2) for value in (one, other))
        by_channel.append(product)
    return torch.stack(by_channel).mean(0)


def ms_single(y, p, *, data_range, kernel_size, sigma, k1, k2):
    return pytorch_msssim.ssim(
        p, y, data_range=data_range, size_average=False, win_size=kernel_size, win_sigma=sigma, K=(k1, k2)
    )


def ms_multi(y, p, *, powers, data_range, kernel_size, sigma, k1, k2):
    return pytorch_msssim.ms_ssim(
        p,
        y,
        data_range=data_range,
        size_average=False,
        win_size=kernel_size,
        win_sigma=sigma,
        weights=torch.tensor(powers, dtype=torch.float64).tolist(),
        K=(k1, k2),
    )


def component(name, arguments, powers=None):
    """Return a component with the arguments that are not its defaults."""
    table = {"name": name, **{key: value for key, value in arguments.items() if value != DEFAULTS[key]}}
    return table | ({"power_factors": list(powers)} if powers and powers != POWERS else {})


def case(what, reference, pair, function, *, note="", gradient=True):
    """Return the case of a loss, 1 - ``function(y_true, y_pred)``, channels first."""
    y_true, y_pred = pair
    at = torch.tensor(y_pred.astype("float64"), requires_grad=True)
    lost = 1 - function(torch.tensor(y_true.astype("float64")).movedim(-1, 1), at.movedim(-1, 1))
    expected = {"value": lost.detach().numpy()}
    if gradient:
        [slope] = torch.autograd.grad(lost.sum(), at)
        expected["gradient"] = slope.numpy().astype("float32")  # far within the tolerance, and half the file
    inputs = {"y_true": y_true, "y_pred": y_pred}
    return Case(kind="loss", component=what, reference=reference, inputs=inputs, expected=expected, note=note)


def as_metric(loss):
    """Return the case of the metric: the mean over images of what the loss lacks to 1."""
    expected = {"value": np.asarray(1 - loss.expected["value"].mean())}
    return Case(**{**vars(loss), "kind": "metric", "expected": expected})


def single():
    """Yield the cases of one scale."""
    for turn, (shape, data_range, size, k1, k2) in enumerate(
        [
            ((2, 16, 16, 1), 1.0, 11, 0.01, 0.03),
            ((3, 13, 16, 3), 1.0, 11, 0.01, 0.03),
            ((1, 11, 11, 2), 1.0, 11, 0.01, 0.03),
            ((2, 12, 13, 3), 255.0, 11, 0.01, 0.03),
            ((2, 12, 9, 2), 1.0, 5, 0.02, 0.1),
            ((1, 10, 10, 1), 2.0, 9, 0.01, 0.03),
        ]
    ):
        arguments = {"data_range": data_range, "kernel_size": size, "sigma": SIGMAS[size], "k1": k1, "k2": k2}
        pair = images(shape, turn, data_range=data_range)
        what = component("ssim", arguments)
        of = lambda y, p, arguments=arguments: tm_ssim(y, p, **arguments)[0]  # noqa: E731 - one line says it
        found = case(what, TM, pair, of)
        yield from (found, as_metric(found))
        of = lambda y, p, arguments=arguments: ms_single(y, p, **arguments)  # noqa: E731 - one line says it
        yield case(what, f"{MSSSIM} ssim", pair, of)
    arguments = {**DEFAULTS, "kernel_size": 7, "sigma": 4.0}
    of = lambda y, p: ms_single(y, p, **arguments)  # noqa: E731 - one line says it
    yield case(component("ssim", arguments), f"{MSSSIM} ssim", images((2, 12, 12, 3), 30), of, note="a flat window")
    of = lambda y, p: tm_ssim(y, p, **DEFAULTS)[0]  # noqa: E731 - one line says it
    shape = (2, 14, 14, 1)
    true, pred = images(shape, 31)
    rng = np.random.default_rng(31)
    flat = np.full(shape, 0.75, "float32")
    nearly = (true + np.round(rng.normal(size=shape)) / 4096).astype("float32")
    for note, pair in (
        ("nearly equal", (true, nearly)),
        ("a negative", (true, 1 - true)),
        ("flat against an image", (flat, pred)),
        ("flat, apart", (flat, flat - 0.5)),
        ("bright, with little contrast", (0.9 + true / 64, 0.9 + pred / 64)),
        ("beyond the range", (true * 3 - 1, pred * 3 - 1)),
    ):
        found = case("ssim", TM, [value.astype("float32") for value in pair], of, note=note)
        yield from (found, as_metric(found))


def multiple():
    """Yield the cases of several scales."""
    of_tm = lambda arguments, powers: lambda y, p: tm_ms_ssim(y, p, powers=powers, **arguments)  # noqa: E731
    of_ms = lambda arguments, powers: lambda y, p: ms_multi(y, p, powers=powers, **arguments)  # noqa: E731
    pair = images((1, 176, 192, 1), 40, levels=8)
    yield case("ms_ssim", TM, pair, of_tm(DEFAULTS, POWERS), gradient=False)
    yield as_metric(case("ms_ssim", f"{MSSSIM} ms_ssim", pair, of_ms(DEFAULTS, POWERS), gradient=False))
    for turn, (shape, data_range, size, powers) in enumerate(
        [
            ((1, 22, 26, 1), 1.0, 11, (0.5, 0.5)),
            ((2, 23, 25, 3), 1.0, 11, (0.3, 0.7)),
            ((1, 48, 49, 2), 1.0, 3, POWERS),
            ((2, 20, 24, 1), 255.0, 5, (0.2, 0.0, 0.8)),
            ((1, 14, 15, 1), 1.0, 11, (1.0,)),
        ]
    ):
        arguments = {**DEFAULTS, "data_range": data_range, "kernel_size": size, "sigma": SIGMAS[size]}
        pair = images(shape, turn + 41, data_range=data_range)
        what = component("ms_ssim", arguments, powers)
        found = case(what, TM, pair, of_tm(arguments, powers))
        yield from (found, as_metric(found))
    # It takes images of more than 16 times the window, whatever the number of scales.
    arguments, powers = {**DEFAULTS, "kernel_size": 3, "sigma": 1.0}, (0.1, 0.2, 0.7)
    what, pair = component("ms_ssim", arguments, powers), images((1, 36, 40, 2), 50)
    yield case(what, f"{MSSSIM} ms_ssim", pair, of_ms(arguments, powers))
    powers = (0.5, 0.5)
    true, _ = images((2, 24, 24, 1), 51)
    what, of, note = component("ms_ssim", DEFAULTS, powers), of_tm(DEFAULTS, powers), "a negative, whose factors are 0"
    yield case(what, TM, (true, 1 - true), of, gradient=False, note=note)


def cases():
    """Yield all cases of this family."""
    yield from single()
    yield from multiple()
