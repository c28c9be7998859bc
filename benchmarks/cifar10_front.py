"""The front of time and accuracy on CIFAR-10: kzoo's recipes, the tutorial's network, one like airbench94 in PyTorch.

Each arm is a process that trains and tests once for each seed, in turn; told are its seconds by the clock from the
start of the process, its processor time, and its accuracy on the test set. ``airbench`` is a network of the shape of
K. Jordan's airbench94 (a whitening convolution, three stages of two convolutions with 64, 256 and 256 channels, GELU).
Training it to 94 % takes about an hour on two cores, so its speed is measured over some steps, and the time of its 9.9
epochs is extrapolated, which the table says.

    python -m benchmarks cifar10-front --data cifar10.npz --recipes fast,default,long --seeds 3
"""

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

from measuring import ended, keep, parser_of
from tutorial import network

EPOCHS, IMAGES = 9.9, 50_000


def main():
    parser = parser_of(__doc__)
    parser.add_argument("--data", type=Path, required=True, help="cifar10.npz, as Keras has it")
    parser.add_argument("--recipes", default="fast,default,long", help="of the pipeline cifar10, separated by commas")
    parser.add_argument("--tutorial-epochs", default="1,3", help="of the tutorial's script; none for leaving it out")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--no-airbench", action="store_true")
    parser.add_argument("--airbench-steps", type=int, default=12)
    parser.add_argument("--arm", help="internal")
    asked = parser.parse_args()
    if asked.arm == "airbench":
        print(json.dumps(airbench(asked.airbench_steps)))
        return
    if asked.arm:
        print(json.dumps({"accuracy": tutorial(asked.data, *map(int, asked.arm.split(",")))}))
        return
    rows = []
    for seed in range(asked.seeds):
        for recipe in filter(None, asked.recipes.split(",")):
            rows.append({"arm": f"kzoo {recipe}", "seed": seed, **kzoo(asked.data, recipe, seed)})
            print(rows[-1], flush=True)
        for epochs in asked.tutorial_epochs.replace("none", "").split(","):
            if epochs:
                done = ended([sys.executable, __file__, "--data", asked.data, "--arm", f"{epochs},{seed}"])
                accuracy = json.loads(done.out.splitlines()[-1])["accuracy"]
                numbers = {"seconds": done.wall, "cpu": done.cpu, "accuracy": accuracy}
                rows.append({"arm": "tutorial's script", "seed": seed, **numbers, "note": f"{epochs} epochs"})
                print(rows[-1], flush=True)
    tables = {"front": rows}
    if not asked.no_airbench:
        command = [sys.executable, __file__, "--data", asked.data, "--arm", "airbench"]
        speeds = [json.loads(ended(command).out.splitlines()[-1]) for _ in range(3)]
        clock, cpu = (statistics.median(one[key] for one in speeds) for key in ("clock", "cpu"))
        tables["airbench"] = [
            {
                "arm": "like airbench94, PyTorch",
                "images a second": clock,
                "images a CPU-second": cpu,
                "CPU-s for 94 %, extrapolated": EPOCHS * IMAGES / cpu,
                "seconds for 94 %, extrapolated": EPOCHS * IMAGES / clock,
            }
        ]
        print(tables["airbench"][0])
    keep("cifar10-front", asked, **tables)


def kzoo(data, recipe, seed):
    """Train a recipe; return its seconds, its processor time and its accuracy."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "kzoo", "run", "cifar10", "-r", recipe, "-d", data, "-s", seed, "-q"]
        done = ended([*command, "-o", "report=false", "--out", folder, "--json"])
    told = json.loads(done.out)
    return {"seconds": done.wall, "cpu": done.cpu, "accuracy": told["results"]["test"]["accuracy"]}


def tutorial(data, epochs, seed):
    """Train the tutorial's network as it is written there; return its accuracy on the test set."""
    import keras
    import numpy as np

    keras.utils.set_random_seed(seed)
    with np.load(data) as file:
        x, y = ({part: file[f"{name}_{part}"] for part in ("train", "test")} for name in ("x", "y"))
    x = {part: images.astype("float32") / 255 for part, images in x.items()}
    y = {part: keras.utils.to_categorical(labels, 10) for part, labels in y.items()}
    model = network("cifar10", (32, 32, 3), 10)
    model.compile(loss="categorical_crossentropy", optimizer="rmsprop", metrics=["accuracy"])
    model.fit(x["train"], y["train"], epochs=epochs, verbose=0)
    return model.evaluate(x["test"], y["test"], verbose=0)[1]


def airbench(steps, batch=1024):
    """Return images a second, by the clock and by processor time, of training a network of airbench94's shape."""
    import torch
    from torch import nn

    def stage(channels, width):
        return [nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.MaxPool2d(2), nn.BatchNorm2d(width), nn.GELU(),
                nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.GELU()]  # fmt: skip

    torch.manual_seed(0)
    whitening = nn.Conv2d(3, 24, 2)
    whitening.requires_grad_(False)
    layers = [whitening, nn.GELU(), *stage(24, 64), *stage(64, 256), *stage(256, 256), nn.MaxPool2d(3), nn.Flatten()]
    model = nn.Sequential(*layers, nn.Linear(256, 10, bias=False)).to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD([one for one in model.parameters() if one.requires_grad], 0.1, 0.85, nesterov=True)
    x = torch.randn(batch, 3, 32, 32).contiguous(memory_format=torch.channels_last)
    y = torch.randint(0, 10, (batch,))
    began = None
    for step in range(steps + 1):
        if step == 1:
            began = time.perf_counter(), time.process_time()
        optimizer.zero_grad(set_to_none=True)
        nn.functional.cross_entropy(model(x), y, label_smoothing=0.2).backward()
        optimizer.step()
    clock, cpu = time.perf_counter() - began[0], time.process_time() - began[1]
    return {"clock": steps * batch / clock, "cpu": steps * batch / cpu}


if __name__ == "__main__":
    main()
