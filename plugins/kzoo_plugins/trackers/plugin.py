"""Registers the trackers; light, since targets are imported only on use."""

from __future__ import annotations

from kzoo.plugin import TrackerSpec, hookimpl

__all__ = ["kzoo_trackers"]

_TRACKERS = [
    TrackerSpec(
        name="tensorboard",
        target="kzoo_plugins.trackers.tensorboard:TensorBoard",
        summary="Curves and pictures for TensorBoard, in `tb/` of the run.",
        note="`tensorboard --logdir runs` shows all runs of a folder; writing the files needs no TensorBoard.",
        reference="https://www.tensorflow.org/tensorboard",
    ),
    TrackerSpec(
        name="mlflow",
        target="kzoo_plugins.trackers.mlflow:MLflow",
        summary="Settings, curves and files for MLflow, in an SQLite file of this folder.",
        example={"experiment": "photos"},
        note='Needs `pip install "kzoo[mlflow]"`. `mlflow ui` shows the runs of the folder. Nothing leaves the machine '
        "unless `uri` or the variable MLFLOW_TRACKING_URI names a server.",
        reference="https://mlflow.org",
    ),
    TrackerSpec(
        name="wandb",
        target="kzoo_plugins.trackers.wandb:WandB",
        summary="Settings, curves and files for Weights & Biases, in `wandb/` of the run.",
        aliases=("weights_and_biases",),
        example={"project": "photos"},
        note='Needs `pip install "kzoo[wandb]"`. Nothing leaves the machine until you call `wandb sync`, or give '
        "mode=online.",
        reference="https://docs.wandb.ai",
    ),
]


@hookimpl
def kzoo_trackers() -> list[TrackerSpec]:
    """Return kzoo's own trackers."""
    return _TRACKERS
