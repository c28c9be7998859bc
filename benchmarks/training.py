"""How fast ``kzoo run`` trains, as ratios: beside a bare ``fit`` on the same batches, and beside the tutorial's script.

The ways train the same network on the same images with the same batch size, each in a process of its own, in turn
(A B C A B C ...), so that a machine whose speed drifts treats them alike:

- ``kzoo``: ``kzoo run`` with its progress display;
- ``auto``: the same with ``train.precision=auto``, which takes bfloat16 where the processor has instructions for it;
- ``fit``: plain ``model.fit`` on the very same tf.data with the same flags and steps per execution, showing nothing;
- ``single``: the same with one step per execution, which is what ``compile`` does by itself;
- ``script``: what the tutorial's reader writes: float32 NumPy arrays, one-hot labels, ``model.fit``, default flags;
- ``loop``: a hand-written `tf.function` of 16 steps on tf.data;
- ``torch``: PyTorch, channels last (needs torch); ``torch_bf16``: the same with autocast to bfloat16;
- ``jax``: the script on Keras's other backend (needs jax), with 2,048 images and one epoch that counts.

Processes differ by several percent from one start to the next, which is more than what is to be told apart of ``kzoo``,
``fit`` and ``loop``. So these three take the steps of one network in one process as well, in turns of 16 steps each.

The speed of an epoch is its images over the time from its begin to the end of its last step; the first epoch, which
compiles, is left out. Asked for by the clock: 1.0 of ``fit``, 0.97 of ``loop``, 1.2 of ``torch`` and, on a processor
with AVX-512, 1.9 of ``script``.

    python -m benchmarks training --data cifar10.npz --rounds 5 --arms fit,script,loop,torch
"""

import argparse
import json
import os
import statistics
import sys
from pathlib import Path

from measuring import available, ended, in_turns, parser_of, ratio_to, rows_of
from results import Report, machine
from training_arms import ARMS, in_turns_by_calls

NEEDED = {"torch": "torch", "torch_bf16": "torch", "jax": "jax"}
LIMITS = {"fit": 1.0, "loop": 0.97, "torch": 1.2, "script": 1.9}


def main():
    parser = parser_of(__doc__)
    parser.add_argument("--pipeline", default="cifar10")
    parser.add_argument("--recipe", default="classic")
    parser.add_argument("--data", default="sample", help="sample, or a file of the pipeline's data")
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--limit", type=int, default=20480)  # whole calls of 16 steps: fit would take more
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--script-onednn", choices=("default", "off"), default="default",
                        help="off: as on processors where TensorFlow does not turn oneDNN on by itself")  # fmt: skip
    parser.add_argument("--arms", default="fit,single,script", help="some of the ways besides kzoo")
    parser.add_argument("--threads", type=int, help="of each process; by default all")
    parser.add_argument("--calls", type=int, default=60, help="turns of each way in one process; 0 for none")
    parser.add_argument("--arm", choices=[*ARMS, "turns"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.arm:
        if options.threads:
            os.environ |= {"TF_NUM_INTRAOP_THREADS": str(options.threads), "OMP_NUM_THREADS": str(options.threads)}
        own = in_turns_by_calls(options, options.calls) if options.arm == "turns" else ARMS[options.arm](options)
        print(json.dumps(own))
        return
    chosen = ["kzoo", *(arm for arm in options.arms.split(",") if arm != "kzoo")]
    if unknown := set(chosen) - set(ARMS):
        parser.error(f"--arms: {', '.join(sorted(unknown))}: there are {', '.join(ARMS)}")
    report = Report("training", options)
    chosen = available(chosen, NEEDED, report)
    found = in_turns({arm: lambda a=arm: measure(a, options) for arm in chosen}, options.rounds)
    title = f"{options.pipeline} {options.recipe}, batches of {options.batch_size}"
    speed = rows_of(found, unit="img/s", more_is_better=True, what=lambda one: one[0])
    report.table("speed", f"{title}: speed by the clock", speed)
    cost = rows_of(found, unit="img/CPU-s", more_is_better=True, what=lambda one: one[1])
    report.table("cost", "and by the processor's time, which other work on the machine changes less", cost)
    if options.calls:
        turns = json.loads(
            ended([sys.executable, Path(__file__), *sys.argv[1:], "--arm", "turns"]).out.splitlines()[-1]
        )
        title = "steps of one network in one process, in turns of 16: speed by the clock"
        each = rows_of(turns, unit="img/s", more_is_better=True, what=lambda one: one[0])
        report.table("turns", title, each)
        for arm in ("fit", "loop"):
            report.limit(f"kzoo beside `{arm}` in one process, by the clock", ratio_to(each, arm), least=LIMITS[arm])
    wide = "avx512f" in machine()["instructions"]
    for arm, least in LIMITS.items():
        if arm in chosen and (arm != "script" or wide):
            report.limit(f"kzoo beside `{arm}`, by the clock", ratio_to(speed, arm), least=least)
    if {"auto", "script"} <= set(chosen) and wide:
        pairs = zip(found["auto"], found["script"], strict=True)
        ratio = statistics.median(ours[0] / theirs[0] for ours, theirs in pairs)
        report.limit("`auto` beside `script`, by the clock", ratio, least=LIMITS["script"])
    report.keep()


def measure(arm, options):
    """Return the median speeds of an epoch but the first, by the clock and by processor time, of a fresh process."""
    environment = {}
    if arm == "script":  # whoever writes a script sets no flags
        environment["TF_ENABLE_ONEDNN_OPTS"] = "0" if options.script_onednn == "off" else None
    if arm == "jax":
        environment["KERAS_BACKEND"] = "jax"
    done = ended([sys.executable, Path(__file__), *sys.argv[1:], "--arm", arm], **environment)
    clock, processor = zip(*json.loads(done.out.splitlines()[-1]), strict=True)
    return statistics.median(clock), statistics.median(processor)


if __name__ == "__main__":
    main()
