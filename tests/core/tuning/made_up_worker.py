"""A worker that trains nothing: the value of a trial follows from its settings, so that a test knows the best of them.

The validation loss comes, by half of the way each epoch, to how far the logarithm of the learning rate is from -2. The
file that ``KZOO_TEST_TOLD`` names says what is to become of some trials: by their number ``fail``, ``die`` or ``stop``.
"""

import json
import math
import os
import signal
import sys
from pathlib import Path

from kzoo.comparing.worker import _asked
from kzoo.plugins.registry import get_registry
from kzoo.runs.config import RunConfig
from kzoo.runs.folder import Run, create_run
from kzoo.runs.manifest import DataRecord, Manifest, TrainingRecord
from kzoo.training.record import components_of

EPOCHS = 4


def main():
    orders = json.loads(Path(os.environ["KZOO_TEST_TOLD"]).read_text("utf-8"))
    for line in sys.stdin:
        task = json.loads(line)
        if "check" in task["more"]:
            answer({"event": "done", "run": task["out"]})
            continue
        trial = task["more"].get("part_of", {}).get("trial")
        answer(trained(task, orders.get(str(trial), "")))


def answer(told):
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


def trained(task, order):
    config = RunConfig(task["values"], task["origins"])
    run = Run(Path(task["resume"])) if task["resume"] else begun(config, task)
    if order == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if order == "fail":
        run.update(status="failed", error="The loss stopped being a finite number.")
        return {"event": "failed", "reason": "The loss stopped being a finite number."}
    ask = _asked(task["more"]) or (lambda epoch, logs: "")
    rate = config.values["optimizer"]["learning_rate"]
    apart = abs(math.log10(rate) + 2)
    history, why = [], ""
    for epoch in range(1, EPOCHS + 1):
        logs = {"loss": 1.0, "val_loss": apart + 0.5**epoch, "val_accuracy": 1 / (1 + apart + 0.5**epoch)}
        history.append(logs)
        answer({"event": "epoch", "epoch": epoch, "epochs": EPOCHS, "logs": logs})
        if why := ask(epoch, logs):
            break
        if order == "stop" and epoch == 2 and not task["resume"]:
            run.state.path.mkdir()
            run.update(status="interrupted")
            return {"event": "stopped"}
    status = "pruned" if why else "done"
    training = TrainingRecord(epochs=len(history), history=history, initial_weights=f"of seed {config.seed}")
    values = {"accuracy": 0.9 - apart / 10 + config.seed / 1000, "macro_f1": 0.9, "nll": apart, "ece": 0.1}
    ended = {
        "results": {"test": {"loss": apart}},
        "measures": {"test": values},
        "timings": {"train": 1.0 + config.seed},
    }
    run.update(status=status, error=why, training=training, **({} if why else ended))
    return {"event": status, "run": str(run.path)}


def begun(config, task):
    fingerprint = {split: f"{split}-{config.seed}" for split in ("train", "validation")} | {"test": "test"}
    used = components_of(config, get_registry())
    record = Manifest(
        data=DataRecord(
            used="path", description="made up", sizes={"train": 9, "validation": 1}, fingerprint=fingerprint
        ),
        task="classification",
        environment={"host": "here", "cpu": "one"},
        plugins={what: {"name": one.qualified, "version": one.version} for what, one in used.items()},
        part_of=task["more"].get("part_of", {}),
    )
    return create_run(Path(task["out"]), config, record)


if __name__ == "__main__":
    main()
