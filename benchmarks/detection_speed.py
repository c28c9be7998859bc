"""How much processor time it takes from photos to boxes, beside other engines that run the same network.

All engines get the same network with the same weights, the same letterboxed input and the same decoding and
suppression; only the part between differs. They take turns (A B C A B C ...) in one process, so that a machine whose
speed drifts treats them alike. Printed: the median processor time of a call over all threads, from the pixels of the
photos to their boxes, and the median over the rounds of the ratio to kzoo's. Before that, their raw outputs are
compared.

- ``kzoo``: what ``kzoo predict`` does;
- ``onnxruntime``: the network in ONNX, channels first and batch norm folded (needs onnx and onnxruntime);
- ``openvino``: the same file (needs onnx, onnxruntime and openvino);
- ``opencv``: OpenCV's dnn on Darknet's own files, up to the raw heads;
- ``tf_function``: the network in a plain `tf.function`;
- ``predict``: `model.predict_on_batch`, as most scripts have it.

    python benchmarks/detection_speed.py --network yolov3-tiny --batch 1 --rounds 20
    python benchmarks/detection_speed.py --network yolo-fastest.cfg --weights yolo-fastest.weights --photos photos/

Without weights they are random, with an objectness that lets a few boxes through.
"""

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as kzoo starts TensorFlow

import numpy as np  # noqa: TID253

GAMMA = 1.2  # of random weights: what keeps the activations of yolov3-tiny at one size


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", default="yolov3-tiny", help="a cfg, or the name of a built-in one")
    parser.add_argument("--weights", default="")
    parser.add_argument("--photos", type=Path, help="a folder; by default noise of 768 x 576")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--engines", default=",".join(ENGINES), help="some of them, separated by commas")
    options = parser.parse_args()

    from kzoo.engine import runtime

    runtime.start()
    from kzoo_zoo.yolov3.detecting import DetectorReader, Loaded

    with tempfile.TemporaryDirectory() as folder:
        network, model, weights = load(options, Path(folder))
        shape = (network.height, network.width, network.channels)
        names = tuple(f"class {number}" for number in range(network.classes))
        frames = photos(options)
        readers = {}
        for engine in options.engines.split(","):
            try:
                forward = ENGINES[engine](network, model, weights, Path(folder), options.batch)
            except ImportError as error:
                print(f"{engine}: left out, {error}")
                continue
            loaded = Loaded(forward, network.heads, shape, names)
            readers[engine] = DetectorReader(lambda loaded=loaded: loaded, batch_size=options.batch)
        compare(readers, frames, shape)
        times = {engine: [] for engine in readers}
        for _ in range(options.rounds):
            for engine, reader in readers.items():
                began = time.process_time()
                reader.predict(frames)
                times[engine].append(time.process_time() - began)
    boxes = sum(map(len, readers["kzoo"].predict(frames)))
    print(f"{network.name} {shape[0]}x{shape[1]}, batch {options.batch}, {boxes} boxes, {options.rounds} rounds")
    print(f"{'engine':12} {'CPU ms':>8}  {'x kzoo':>6}  from to")
    for engine, own in times.items():
        ratios = [other / ours for other, ours in zip(own, times["kzoo"], strict=True)]
        middle = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else [ratios[0]] * 3
        print(f"{engine:12} {1000 * statistics.median(own):8.1f}  {middle[1]:6.3f}  {middle[0]:.3f} {middle[2]:.3f}")


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


def compare(readers, frames, shape):
    """Print how far each engine's raw outputs are from those of kzoo; this also compiles them."""
    from kzoo_zoo.yolov3.letterbox import Letterbox

    inputs = np.stack([Letterbox.of(frame.pixels.shape, shape).apply(frame.pixels) for frame in frames])
    expected = as_list(readers["kzoo"].network.forward(inputs))
    for engine, reader in readers.items():
        found = as_list(reader.network.forward(inputs))
        furthest = max(float(np.abs(one - other).max()) for one, other in zip(found, expected, strict=True))
        size = max(float(np.abs(one).max()) for one in expected)
        print(f"{engine}: raw outputs (up to {size:.3g}) differ from kzoo's by at most {furthest:.1e}")
        reader.predict(frames)


def kzoo(network, model, weights, folder, batch):
    from kzoo_zoo.yolov3.engine import compiled

    return compiled(model)


def tf_function(network, model, weights, folder, batch):
    from kzoo.engine.forward import Forward

    return Forward(model)


def predict(network, model, weights, folder, batch):
    return lambda x: as_list(model.predict_on_batch(x))


def onnx_file(network, model, folder):
    import onnxruntime  # noqa: F401
    from darknet_onnx import write_onnx

    path = folder / "network.onnx"
    if not path.exists():
        write_onnx(network, model, path)
    return path


def channels_first(x):
    return np.ascontiguousarray(x.transpose(0, 3, 1, 2))


def channels_last(outputs):
    return [raw.transpose(0, 2, 3, 1) for raw in outputs]


def onnxruntime(network, model, weights, folder, batch):
    import onnxruntime

    path = onnx_file(network, model, folder)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda x: channels_last(session.run(None, {name: channels_first(x)}))


def openvino(network, model, weights, folder, batch):
    import openvino

    read = openvino.Core().read_model(onnx_file(network, model, folder))
    read.reshape([batch, network.channels, network.height, network.width])  # it is faster where it knows the batch
    compiled = openvino.compile_model(read, "CPU")
    return lambda x: channels_last(compiled(channels_first(x)).values())


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


ENGINES = {
    "kzoo": kzoo,
    "onnxruntime": onnxruntime,
    "openvino": openvino,
    "opencv": opencv,
    "tf_function": tf_function,
    "predict": predict,
}

if __name__ == "__main__":
    main()
