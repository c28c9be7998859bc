"""Models as files of other programs: how far from the original, how large, how long to write, how fast to run.

    python benchmarks/export.py runs/mnist/... detector.keras@coco128/ --format onnx --format openvino
    python benchmarks/export.py --cfg yolov3.cfg --cfg yolov3-tiny.cfg --format onnx     # with random weights
    python benchmarks/export.py runs/mnist/... --int8

A model is named as for `kzoo export`; behind an @ the data it is replayed on. Networks of Darknet's cfgs are built with
random weights and compared on noise. CPU time is that of all threads of this process, for one input at a time, beside
the same network in TensorFlow; every engine takes as many threads as it likes. A format that refuses a model says why.
"""

import argparse
import resource
import tempfile
import time
import traceback
import warnings
from pathlib import Path

FORMATS = ("onnx", "litert", "openvino", "saved-model")
INT8 = ("onnx", "litert", "openvino")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", metavar="RUN|MODEL[@DATA]")
    parser.add_argument("--cfg", action="append", default=[], metavar="FILE", help="a network of Darknet")
    parser.add_argument("--format", action="append", choices=FORMATS, help="by default all")
    parser.add_argument("--int8", action="store_true", help="in 8 bits, with the measure before and after")
    parser.add_argument("--repeats", type=int, default=20, help="inputs that the time is taken of")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    from kzoo.engine import runtime

    runtime.start()
    heading = f"{'model':28} {'format':12} {'difference':>10} {'seconds':>8} {'MB':>7} {'CPU ms':>8} {'TensorFlow':>10}"
    print(f"{heading}  {'measure before -> after' if given.int8 else ''}".rstrip(), flush=True)
    for model in [*given.models, *given.cfg]:
        for form in given.format or (INT8 if given.int8 else FORMATS):
            try:
                print(of_cfg(model, form, given) if model in given.cfg else of_model(model, form, given), flush=True)
            except Exception as error:
                words = " ".join(str(error).split()) or traceback.format_exc().splitlines()[-1]
                print(f"{Path(model).name[:28]:28} {form:12} {type(error).__name__}: {words[:160]}", flush=True)
    print(f"most memory of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.1f} GB")


def of_model(named, form, given):
    """Return the line of a trained model."""
    from kzoo.engine.listener import Silent
    from kzoo.export.exporting import Request, export
    from kzoo.export.formats import FORMATS as KNOWN
    from kzoo.models.saved import find_model

    name, _, data = named.partition("@")
    saved = find_model(name)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / f"model{KNOWN[form].suffix}"
        request = Request(format=form, out=out, data=data or None, int8=given.int8, max_drop=1.0)
        made = export(saved, request, Silent())
        shown = f"{saved.card.pipeline} {saved.path.parent.name[17:] if saved.run else saved.path.stem}"
        cost = costs(saved.forward(), KNOWN[form].writer().opened(out), saved.card.input_shape, given.repeats)
    measured = f"  {made.quality} {made.before:.4f} -> {made.after:.4f}" if given.int8 else ""
    return line(shown, form, made.difference, made.seconds, made.bytes, cost) + measured


def of_cfg(path, form, given):
    """Return the line of a network with random weights."""
    import numpy as np

    from kzoo.engine.forward import Forward
    from kzoo.export.formats import FORMATS as KNOWN
    from kzoo.export.replay import replayed
    from kzoo_zoo.yolov3.darknet import build, read_cfg

    network = read_cfg(path).resized(416, 416)
    model = Forward(build(network))
    writer = KNOWN[form].writer()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / f"model{KNOWN[form].suffix}"
        began = time.perf_counter()
        writer.write(model.model, out, {}, None)
        seconds = time.perf_counter() - began
        exported = writer.opened(out)
        shape = (network.height, network.width, network.channels)
        real = np.random.default_rng(0).uniform(size=(1, *shape)).astype(np.float32)
        apart = max(one.difference for one in replayed(model, exported, [real]))
        size = sum(one.stat().st_size for one in Path(folder).rglob("*") if one.is_file())
        cost = costs(model, exported, shape, min(given.repeats, 3))
    return line(f"{Path(path).stem} 416, random", form, apart, seconds, size, cost)


def costs(original, exported, shape, repeats):
    """Return the CPU time in milliseconds of one input, in the export and in TensorFlow, in turns."""
    import numpy as np

    dtype = original.model.inputs[0].dtype
    noise = np.random.default_rng(0).uniform(0, 255 if dtype == "uint8" else 1, (1, *shape)).astype(dtype)
    taken = {id(exported): 0.0, id(original): 0.0}
    for number in range(repeats + 2):
        for forward in (exported, original):
            began = time.process_time()
            forward(noise)
            taken[id(forward)] += (time.process_time() - began) * (number >= 2)  # the first calls prepare
    return [1000 * taken[id(forward)] / repeats for forward in (exported, original)]


def line(shown, form, apart, seconds, size, cost):
    columns = f"{apart:10.1e} {seconds:8.1f} {size / 1e6:7.2f} {cost[0]:8.2f} {cost[1]:10.2f}"
    return f"{shown[:28]:28} {form:12} {columns}"


if __name__ == "__main__":
    main()
