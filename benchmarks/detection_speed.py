"""How long it takes from photos to boxes, beside other engines that run the same network.

All engines get the same network with the same weights, the same letterboxed input and the same decoding and
suppression; only the part between differs. They take turns (A B C A B C ...) in one process, so that a machine whose
speed drifts treats them alike. Told is the processor time of a call over all threads, from the pixels of the photos to
their boxes, and the time by the clock. Before that, their raw outputs and their boxes are compared.

- ``kzoo``: what ``kzoo predict`` does;
- ``onnxruntime``: what it does with ``--engine onnxruntime``, from the network as it is exported (needs onnx, too);
- ``openvino``: likewise with ``--engine openvino``;
- ``opencv``: OpenCV's dnn on Darknet's own files, up to the raw heads;
- ``tf_function``: the network in a plain `tf.function`;
- ``predict``: `model.predict_on_batch`, as most scripts have it.

    python -m benchmarks detect --network yolov3-tiny --batch 1 --rounds 20
    python -m benchmarks detect --network yolo-fastest.cfg --weights yolo-fastest.weights --photos photos/

Without weights they are random, with an objectness that lets a few boxes through.
"""

import tempfile
import time
from pathlib import Path

import numpy as np  # noqa: TID253
from measuring import available, in_turns, parser_of, rows_of
from results import Report

GAMMA = 1.2  # of random weights: what keeps the activations of yolov3-tiny at one size


def main():
    parser = parser_of(__doc__)
    parser.add_argument("--network", default="yolov3-tiny", help="cfgs, or names of built-in ones, after commas")
    parser.add_argument("--weights", default="")
    parser.add_argument("--photos", type=Path, help="a folder; by default noise of 768 x 576")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--engines", default=",".join(ENGINES), help="some of them, separated by commas")
    options = parser.parse_args()

    from kzoo.engine import runtime

    runtime.start()
    report = Report("detect", options)
    engines = available(options.engines.split(","), NEEDED, report)
    networks, weights = options.network.split(","), options.weights.split(",")
    for number, name in enumerate(networks):
        options.network, options.weights = name, weights[number] if number < len(weights) else ""
        measure(options, engines, report)
    options.network, options.weights = ",".join(networks), ",".join(weights)
    report.keep()


def measure(options, engines, report):
    """Add what one network takes with each engine to a report."""
    from kzoo_zoo.yolov3.detecting import DetectorReader, Loaded

    with tempfile.TemporaryDirectory() as folder:
        network, model, weights = load(options, Path(folder))
        shape = (network.height, network.width, network.channels)
        names = tuple(f"class {number}" for number in range(network.classes))
        frames = photos(options)
        readers = {}
        for engine in engines:
            forward = ENGINES[engine](network, model, weights, Path(folder), options.batch)
            loaded = Loaded(forward, network.heads, shape, names)
            readers[engine] = DetectorReader(lambda loaded=loaded: loaded, batch_size=options.batch)
        title = f"{network.name}, {shape[0]} x {shape[1]}, {options.batch} in a call"
        compare(readers, frames, shape, title, report)

        def took(reader):
            began = time.perf_counter(), time.process_time()
            reader.predict(frames)
            ended = time.perf_counter(), time.process_time()
            return [1000 * (end - begin) for begin, end in zip(began, ended, strict=True)]

        found = in_turns(
            {engine: lambda r=reader: took(r) for engine, reader in readers.items()}, options.rounds, quiet=True
        )
    for at, (unit, what) in enumerate({"ms": "time of a call", "CPU-ms": "processor time of it"}.items()):
        rows = rows_of(found, unit=unit, more_is_better=False, what=lambda one, a=at: one[a])
        report.table(f"{network.name} {unit}", f"{title}: {what}", rows)


def load(options, folder):
    """Return the network, its Keras model and a file of its weights."""
    from kzoo_zoo.yolov3.darknet import build, load_network, read_cfg, save_weights

    if options.weights:
        loaded = load_network(options.network, options.weights)
        return loaded.network, loaded.model, options.weights
    import keras

    keras.utils.set_random_seed(0)
    network = read_cfg(options.network)
    model = build(network)
    rng = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            gamma, _, mean, variance = layer.get_weights()
            beta, spread = rng.normal(size=len(gamma)) * 0.3, rng.uniform(0.8, 1.2, len(gamma))
            layer.set_weights([gamma * GAMMA, beta, mean, variance * spread])
    for head in network.heads:
        layer = model.get_layer(f"conv_{head_layer(network, head)}")
        kernel, bias = layer.get_weights()
        rows = bias.reshape(len(head.anchors), -1)
        rows[:, 4] = -1.0  # a few boxes for yolov3-tiny on photos
        layer.set_weights([kernel, rows.reshape(-1)])
    weights = folder / "random.weights"
    save_weights(model, weights)
    return network, model, str(weights)


def head_layer(network, head):
    """Return the number of the convolution before a head's [yolo] section."""
    places = [number for number, layer in enumerate(network.layers) if type(layer).__name__ == "Yolo"]
    return places[list(network.heads).index(head)] - 1


def photos(options):
    """Return as many photos as go into one batch."""
    from kzoo.data.decoding import read_image
    from kzoo.data.frames import Frame

    if options.photos:
        files = sorted(path for path in options.photos.iterdir() if path.suffix == ".jpg")
        pixels = [read_image(files[number % len(files)]) for number in range(options.batch)]
    else:
        rng = np.random.default_rng(1)
        pixels = [rng.integers(0, 256, (576, 768, 3), np.uint8) for _ in range(options.batch)]
    return [Frame(index=number, pixels=one) for number, one in enumerate(pixels)]


def compare(readers, frames, shape, title, report):
    """Say how far each engine's raw outputs and boxes are from those of kzoo; this also compiles them."""
    from kzoo_zoo.yolov3.letterbox import Letterbox

    inputs = np.stack([Letterbox.of(frame.pixels.shape, shape).apply(frame.pixels) for frame in frames])
    first, *others = readers.values()
    expected, boxes = as_list(first.network.forward(inputs)), first.predict(frames)
    size = max(float(np.abs(one).max()) for one in expected)
    furthest, apart = 0.0, 0.0
    for reader in others:
        raw = zip(as_list(reader.network.forward(inputs)), expected, strict=True)
        furthest = max(furthest, *(float(np.abs(one - other).max()) for one, other in raw))
        for ours, theirs in zip(boxes, reader.predict(frames), strict=True):
            same = len(ours) == len(theirs) and np.array_equal(ours.labels, theirs.labels)
            apart = max(apart, np.abs(ours.boxes - theirs.boxes).max(initial=0.0) if same else np.inf)
    report.note(
        f"{title}: {sum(map(len, boxes))} boxes. Raw outputs (up to {size:.3g}) differ by at most {furthest:.1e}, and "
        f"{f'boxes by {apart:.1e} pixels' if np.isfinite(apart) else 'not all engines find the same boxes'}."
    )


def kzoo(network, model, weights, folder, batch):
    from kzoo_zoo.yolov3.engine import compiled

    return compiled(model)


def tf_function(network, model, weights, folder, batch):
    from kzoo.engine.forward import Forward

    return Forward(model)


def predict(network, model, weights, folder, batch):
    return lambda x: as_list(model.predict_on_batch(x))


def exported(engine):
    """Return the function that makes a forward pass of what ``--engine`` runs."""

    def made(network, model, weights, folder, batch):
        from kzoo.engine.engines import engine_named, forward_of_onnx
        from kzoo.export.onnx_format import write

        path = folder / "network.onnx"
        if not path.exists():
            write(model, path, {}, None)
        return forward_of_onnx(path, engine_named(engine))

    return made


def channels_first(x):
    return np.ascontiguousarray(x.transpose(0, 3, 1, 2))


def channels_last(outputs):
    return [raw.transpose(0, 2, 3, 1) for raw in outputs]


def opencv(network, model, weights, folder, batch):
    import cv2

    cfg = folder / "network.cfg"
    cfg.write_text(network.text)
    net = cv2.dnn.readNetFromDarknet(str(cfg), weights)
    heads = [f"conv_{head_layer(network, head)}" for head in network.heads]

    def forward(x):
        net.setInput(channels_first(x))
        return channels_last(net.forward(heads))

    return forward


def as_list(outputs):
    return outputs if isinstance(outputs, list) else [outputs]


NEEDED = {"onnxruntime": "onnxruntime", "openvino": "openvino", "opencv": "cv2"}
ENGINES = {
    "kzoo": kzoo,
    "onnxruntime": exported("onnxruntime"),
    "openvino": exported("openvino"),
    "opencv": opencv,
    "tf_function": tf_function,
    "predict": predict,
}

if __name__ == "__main__":
    main()
