"""A small good file of each kind that kzoo reads, and the reader of it: what `mutations` works on."""

import gzip
import io
import json
import pickle
import shutil
import struct
import tarfile
import tempfile
import zipfile
from pathlib import Path

import numpy as np
from malformed_files import CFG, good_weights
from PIL import Image
from pipelines import read

from kzoo.data.archives import extract
from kzoo.data.arrays import read_idx_folder, read_npz
from kzoo.data.decoding import read_image
from kzoo.data.tables import TableSettings, read_table
from kzoo.errors import KzooError
from kzoo.runs.config import DEFAULTS, RunConfig, read_toml
from kzoo.runs.folder import Run, list_runs
from kzoo.runs.manifest import SCHEMA_VERSION
from kzoo.runs.state import SavedState, StateFolder
from kzoo.settings import read_settings

__all__ = ["FILES", "IMAGES"]

RNG = np.random.default_rng(0)
NOISE = RNG.integers(0, 256, (12, 9, 3), "uint8")


def _image(form, **more):
    stream = io.BytesIO()
    Image.fromarray(NOISE).save(stream, form, **more)
    return stream.getvalue()


def _deep():
    stream = io.BytesIO()
    Image.fromarray(NOISE[..., 0].astype(np.uint16) * 257).save(stream, "PNG")
    return stream.getvalue()


def _frames():
    stream = io.BytesIO()
    frames = [Image.fromarray(NOISE[..., at]).convert("P") for at in range(3)]
    frames[0].save(stream, "GIF", save_all=True, append_images=frames[1:], transparency=0)
    return stream.getvalue()


def _turned():
    exif = Image.Exif()
    exif[274] = 6
    return _image("JPEG", exif=exif)


IMAGES = {
    "a.bmp": _image("BMP"),
    "a.gif": _frames(),
    "a.jpg": _turned(),
    "b.jpg": _image("JPEG", progressive=True),
    "a.png": _image("PNG"),
    "b.png": _deep(),
    "a.ppm": _image("PPM"),
    "a.tif": _image("TIFF"),
    "b.tif": _image("TIFF", compression="tiff_lzw"),
    "c.tif": _image("TIFF", compression="tiff_deflate"),
    "a.webp": _image("WEBP", lossless=True),
}
"""By a name: one of each format that is read, and of each way of packing it."""


def _read_image(path):
    for mode, size in (("RGB", None), ("L", (7, 5))):
        array = read_image(path, mode=mode, size=size)
        assert array.dtype == np.uint8
        assert array.ndim == 3


TABLE = "id;city;day;price;y\n" + "".join(
    f"{n};{('Oslo', 'Zürich')[n % 2]};2024-01-{n + 1:02};{n},5;{n * n}\n" for n in range(20)
)


QUOTED = '"a"\t"b c"\ty\n' + '"1"\t"x ""y"""\t2\n"2"\t"z\nz"\t3\n' * 8


def _read_table(path):
    dataset, schema = read_table(path, read_settings(TableSettings, {}, prefix="data."))
    assert len(dataset.train.x) == len(dataset.train.y) > 0
    assert schema.to_dict()


def _npz(save=np.savez_compressed):
    x, y = RNG.integers(0, 256, (12, 4, 4), "uint8"), np.arange(12) % 3
    stream = io.BytesIO()
    save(stream, x_train=x, y_train=y, x_test=x[:6], y_test=y[:6])
    return stream.getvalue()


def _idx(array):
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


def _read_idx(path):
    for name, array in {
        "train-images-idx3-ubyte": RNG.integers(0, 256, (6, 4, 4), "uint8"),
        "train-labels-idx1-ubyte": np.arange(6, dtype=np.uint8) % 3,
        "t10k-images-idx3-ubyte": RNG.integers(0, 256, (6, 4, 4), "uint8"),
        "t10k-labels-idx1-ubyte": np.arange(6, dtype=np.uint8) % 3,
    }.items():
        if not path.with_name(name).exists() and not path.with_name(f"{name}.gz").exists():
            path.with_name(name).write_bytes(_idx(array))
    read_idx_folder(path.parent)


def _batch(number):
    data = RNG.integers(0, 256, (4, 3072), "uint8")
    return pickle.dumps({"data": data, "labels": [9, 0, 3, number], "batch_label": "b", "filenames": ["a"] * 4}, 2)


BATCHES = [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]


def _cifar_archive(mode):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as file:
        for number, name in enumerate(BATCHES):
            info = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            content = _batch(number)
            info.size = len(content)
            file.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def _read_cifar(path):
    from kzoo_zoo.cifar10.pipeline import Cifar10

    read(Cifar10(), path)


def _read_cifar_batch(path):
    for number, name in enumerate(BATCHES):
        if not path.with_name(name).exists():
            path.with_name(name).write_bytes(_batch(number))
    _read_cifar(path.parent)


def _zip():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("cat/1.png", IMAGES["a.png"])
        file.writestr("dog/2.png", IMAGES["a.png"])
    return stream.getvalue()


def _extract(path):
    before = {one.name for one in path.parent.iterdir()}
    try:
        extract(path, path.parent / "out")
    finally:
        shutil.rmtree(path.parent / "out", ignore_errors=True)
        assert {one.name for one in path.parent.iterdir()} == before


CONFIG = {
    **DEFAULTS,
    "pipeline": "mnist",
    "recipe": "quick",
    "loss": {"name": "emd", "p": 1},
    "optimizer": {"name": "sgd", "momentum": 0.9},
    "metrics": ["accuracy"],
}


def _read_settings(path):
    from kzoo.runs.configure import configure

    read_toml(path)
    configure(None, file=path)


RECORD = {
    "schema_version": SCHEMA_VERSION,
    "status": "interrupted",
    "pipeline": "mnist",
    "recipe": "quick",
    "seed": 0,
    "number": 3,
    "started": "2026-01-01T00:00:00+00:00",
    "completed": ["trained", "saved"],
    "data": {"source": "sample", "splits": {"train": {"count": 4, "sha256": "0" * 64}}},
    "training": {"epochs": 1, "steps": 3, "weights": "last", "history": [{"loss": 0.5}]},
    "results": {"test": {"loss": 0.25, "accuracy": 0.5}},
    "models": {"model.keras": "0" * 64},
}


def _read_record(path):
    run = Run(path.parent)
    run.number()
    list_runs(path.parent)
    run.caution()
    manifest = run.manifest()
    run.status(manifest)
    json.dumps(manifest.to_dict())


def _state(name):
    """Return a slot of a state, or what lies beside it."""
    tensors = {"w": np.arange(5, dtype=np.float32), "n": np.array(3, np.int64)}
    state = SavedState({"epoch": 1, "rows": [0.5]}, tensors, {"best": np.zeros(3, np.float32)}, "1")
    with tempfile.TemporaryDirectory() as folder:
        StateFolder(Path(folder)).write(state)
        return Path(folder, name).read_bytes()


def _read_state(path):
    for name in ("a.safetensors", "a-best.safetensors"):
        if name != path.name:
            path.with_name(name).write_bytes(_state(name))
    found, faults = StateFolder(path.parent).read()
    assert bool(found) != bool(faults)
    if faults:
        raise KzooError(faults[0])
    assert found.tensors["w"].tolist() == [0, 1, 2, 3, 4]
    assert found.data == {"epoch": 1, "rows": [0.5]}


def _read_cfg(path):
    from kzoo_zoo.yolov3.darknet import read_cfg

    read_cfg(path)


def _read_weights(path):
    from kzoo_zoo.yolov3.darknet import parse_cfg
    from kzoo_zoo.yolov3.darknet.weight_files import blocks_of, read_weights

    blocks = blocks_of(parse_cfg(CFG, "small"))
    contents = read_weights(path, blocks)
    assert contents


FILES = {
    **{name: (content, _read_image) for name, content in IMAGES.items()},
    "utf-8.csv": (TABLE.encode(), _read_table),
    "utf-8-sig.csv": (TABLE.replace(",", ".").replace(";", ",").encode("utf-8-sig"), _read_table),
    "utf-16.csv": (TABLE.encode("utf-16"), _read_table),
    "quoted.tsv": (QUOTED.encode(), _read_table),
    "packed.npz": (_npz(), read_npz),
    "plain.npz": (_npz(np.savez), read_npz),
    "train-images-idx3-ubyte": (_idx(RNG.integers(0, 256, (6, 4, 4), "uint8")), _read_idx),
    "t10k-labels-idx1-ubyte.gz": (gzip.compress(_idx(np.arange(6, dtype=np.uint8) % 3)), _read_idx),
    "cifar.tar.gz": (_cifar_archive("w:gz"), _read_cifar),
    "cifar.tar": (_cifar_archive("w"), _read_cifar),
    "data_batch_2": (_batch(2), _read_cifar_batch),
    "set.zip": (_zip(), _extract),
    "set.tar.xz": (_cifar_archive("w:xz"), _extract),
    "config.toml": (RunConfig.merge([("default", CONFIG)]).to_toml().encode(), _read_settings),
    "run.json": (json.dumps(RECORD, indent=2).encode(), _read_record),
    "a.safetensors": (_state("a.safetensors"), _read_state),
    "a-best.safetensors": (_state("a-best.safetensors"), _read_state),
    "net.cfg": (CFG.encode(), _read_cfg),
    "net.weights": (good_weights(), _read_weights),
}  # fmt: skip
"""By the name of the file: its bytes, and a function that reads it from its path."""
