"""Metrics from torchmetrics and MONAI."""

import monai
import numpy as np
import torch
import torchmetrics
from agreement.case import Case
from monai.metrics import DiceMetric
from torchmetrics import functional

TORCHMETRICS = f"torchmetrics {torchmetrics.__version__}"


def case(component, function, y_true, y_pred, expected, *, batches=None, **more):
    """Return the case of a metric; ``function`` is what gave ``expected``."""
    inputs = {"y_true": y_true, "y_pred": y_pred}
    if batches is not None:
        inputs["batches"] = np.array(batches)
    return Case(
        kind="metric",
        component=component,
        reference=function if " " in function else f"{TORCHMETRICS} {function}",
        inputs=inputs,
        expected={"value": np.asarray(expected)},
        **more,
    )


def softmax(seed, shape, labels, *, known=1.0):
    """Return probabilities that know something of the labels, exact in float32."""
    scores = np.random.default_rng(seed).normal(size=shape) * 1.5 + known * np.eye(shape[-1])[labels]
    return (np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)).astype("float32")


def tensors(*arrays):
    """Return arrays as torch tensors, floats in float64."""
    return [torch.from_numpy(np.asarray(a, "float64" if np.asarray(a).dtype.kind == "f" else "int64")) for a in arrays]


def of_classes():
    for seed, (size, classes) in enumerate([(60, 5), (120, 10), (1, 3), (31, 2)]):
        labels = np.random.default_rng(seed).integers(0, classes, size)
        y_pred = softmax(seed, (size, classes), labels)
        true, pred = tensors(labels, y_pred)
        batches = [size - size // 2, size // 2] if size > 1 else [1]
        for n_bins in (15, 4, 1):
            for norm in ("l1", "l2", "max"):
                error = functional.classification.multiclass_calibration_error(
                    pred, true, classes, n_bins=n_bins, norm=norm
                )
                text = f"ece:n_bins={n_bins},norm={norm}"
                yield case(text, "multiclass_calibration_error", labels, y_pred, error, batches=batches)
                if n_bins == 4:
                    hot = np.eye(classes, dtype="float32")[labels]
                    yield case(text, "multiclass_calibration_error", hot, y_pred, error)
        if classes == 2:
            column = y_pred[:, 1:]
            both = torch.from_numpy(np.concatenate([1 - column, column], -1).astype("float64"))
            error = functional.classification.multiclass_calibration_error(both, true, 2, n_bins=15)
            yield case("ece", "multiclass_calibration_error", labels[:, None], column, error, note="a single column")
        if size < 60:  # every class needs samples and predictions
            continue
        for average in ("macro", "micro", None):
            text = str(average or "null")
            for name, function in (
                ("specificity", functional.classification.multiclass_specificity),
                ("npv", functional.classification.multiclass_negative_predictive_value),
            ):
                value = function(pred, true, classes, average=average)
                yield case(f"{name}:average={text}", function.__name__, labels, y_pred, value, batches=batches)
        value = functional.classification.multiclass_matthews_corrcoef(pred, true, classes)
        yield case("mcc", "multiclass_matthews_corrcoef", labels, y_pred, value)


def of_numbers():
    for seed, shape in enumerate([(40, 1), (25, 3)]):
        rng = np.random.default_rng(seed + 20)
        y_true = rng.uniform(1, 5, shape).astype("float32")
        y_pred = (y_true + rng.normal(size=shape)).astype("float32")
        true, pred = tensors(y_true, y_pred)
        batches = [shape[0] - 10, 10]
        error = functional.symmetric_mean_absolute_percentage_error(pred, true)
        yield case("smape", "symmetric_mean_absolute_percentage_error", y_true, y_pred, error, batches=batches)
        error = functional.weighted_mean_absolute_percentage_error(pred, true)
        yield case("wmape", "weighted_mean_absolute_percentage_error", y_true, y_pred, error, batches=batches)
        for ours, theirs, factor in (("mean", "mean", 1), ("std", "std", 1), ("rms", "l2", shape[0] ** 0.5)):
            if shape[-1] == 1:
                error = functional.normalized_root_mean_squared_error(pred[:, 0], true[:, 0], theirs)
            else:
                error = functional.normalized_root_mean_squared_error(pred, true, theirs, num_outputs=shape[-1])
            name = "normalized_root_mean_squared_error"
            yield case(f"nrmse:normalization={ours}", name, y_true, y_pred, error.mean() * factor, batches=batches)
        score = functional.r2_score(pred, true, adjusted=2)
        yield case("adjusted_r2:num_regressors=2", "r2_score", y_true, y_pred, score, batches=batches)


def of_masks():
    for seed, shape in enumerate([(3, 8, 8, 3), (4, 6, 5, 2), (1, 4, 4, 5), (2, 4, 3, 4, 3)]):
        rng = np.random.default_rng(seed + 40)
        labels = rng.integers(0, shape[-1], shape[:-1])
        labels[-1] = np.where(labels[-1] == shape[-1] - 1, 0, labels[-1])  # an image without the last class
        hot = np.eye(shape[-1], dtype="float32")[labels]
        y_pred = softmax(seed, shape, labels)
        classes_first = [torch.movedim(one, -1, 1) for one in tensors(hot, np.eye(shape[-1])[y_pred.argmax(-1)])]
        for background in (True, False):
            for ignore_empty in (True, False):
                metric = DiceMetric(include_background=background, ignore_empty=ignore_empty, reduction="mean")
                metric(classes_first[1], classes_first[0])
                names = {"include_background": background, "ignore_empty": ignore_empty}
                score = metric.aggregate().item()
                reference = f"MONAI {monai.__version__} DiceMetric"
                yield case({"name": "dice_score", **names}, reference, labels, y_pred, score)
                batches = [len(labels) - 1, 1] if len(labels) > 1 else None
                yield case({"name": "dice_score", **names}, reference, hot, y_pred, score, batches=batches)
        column, truth = y_pred[..., :1], hot[..., :1]
        metric = DiceMetric(reduction="mean")
        metric(*(torch.movedim(one, -1, 1) for one in tensors((column > 0.5).astype("float32"), truth)))
        yield case("dice_score", reference, truth, column, metric.aggregate().item(), note="a single column")
        yield case("dice_score", reference, truth[..., 0], column, metric.aggregate().item(), note="a single column")


def of_images():
    for seed, (shape, data_range) in enumerate([((3, 12, 12, 1), 1.0), ((2, 9, 14, 3), 255.0), ((1, 16, 16, 1), 2.0)]):
        rng = np.random.default_rng(seed + 60)
        y_true = rng.uniform(0, data_range, shape).astype("float32")
        y_pred = np.clip(y_true + rng.normal(size=shape) * data_range / 10, 0, data_range).astype("float32")
        true, pred = tensors(y_true, y_pred)
        ratio = functional.image.peak_signal_noise_ratio(pred, true, data_range, dim=(1, 2, 3))
        text = f"psnr:data_range={data_range}"
        batches = [shape[0] - 1, 1] if shape[0] > 1 else None
        yield case(text, "peak_signal_noise_ratio", y_true, y_pred, ratio, batches=batches)


def cases():
    yield from of_classes()
    yield from of_numbers()
    yield from of_masks()
    yield from of_images()
