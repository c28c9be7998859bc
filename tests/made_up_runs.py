"""Run folders with results that nobody trained for, as far as comparisons read them."""

from kzoo.runs.configure import configure
from kzoo.runs.folder import create_run
from kzoo.runs.manifest import DataRecord, Manifest, TrainingRecord

__all__ = ["made_up"]

CURVE = [0.5, 0.7, 0.8]


def made_up(root, loss, seed, *, data="a", status="done", resumed=(), seconds=10.0, host="here", **measures):
    """Return a run of mnist with these measures on its test split, trained on data that ``data`` tells apart."""
    config = configure("mnist", recipe="quick", loss=loss, seed=seed, options=["data.source=sample"])
    fingerprint = {split: f"{data}-{split}-{seed}" for split in ("train", "validation")} | {"test": f"{data}-test"}
    record = Manifest(
        data=DataRecord(
            used="path",
            description="made-up digits",
            sizes={"train": 90, "validation": 10, "test": 20},
            class_names=["a", "b"],
            fingerprint=fingerprint,
        ),
        task="classification",
        environment={"host": host, "cpu": "a processor", "versions": {"keras": "3.15"}},
    )
    run = create_run(root, config, record)
    accuracy = measures.get("accuracy", 0.5)
    history = [{"loss": 1.0, "val_loss": 1.0, "val_accuracy": share * accuracy} for share in CURVE]
    run.update(
        status=status,
        measures={"test": measures},
        results={"test": {"loss": 0.1, "accuracy": accuracy}},
        timings={"train": seconds},
        training=TrainingRecord(epochs=3, history=history, initial_weights=f"weights of seed {seed}"),
        resumed=list(resumed),
    )
    return run
