"""Model files that somebody broke, or made to break whoever opens them: seeded, each with a name for what it is."""

import base64
import io
import json
import marshal
import random
import struct
import zipfile
from copy import deepcopy

__all__ = [
    "bombs",
    "crafted",
    "flips",
    "members_of",
    "packed",
    "text_flips",
    "truncations",
    "value_changes",
    "weight_flips",
]

CONFIG, METADATA, CARD, WEIGHTS = "config.json", "metadata.json", "kzoo.json", "model.weights.h5"


def members_of(data):
    """Return the members of an archive by name."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(members, compression=zipfile.ZIP_STORED):
    """Return an archive; members are a mapping, or pairs where a name comes twice."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, content in members.items() if isinstance(members, dict) else members:
            archive.writestr(name, content)
    return stream.getvalue()


def regions(data):
    """Return where each part of an archive lies."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        infos = archive.infolist()
        directory = archive.start_dir
    found = {"end": (len(data) - 22, len(data)), "directory": (directory, len(data) - 22)}
    for info in infos:
        start = info.header_offset + 30 + len(info.filename)
        found[f"header of {info.filename}"] = (info.header_offset, start)
        found[info.filename] = (start, start + info.compress_size)
    return found


def flips(data, *, each, seed=0):
    """Yield archives with one bit turned, so many in each part of them."""
    draw = random.Random(seed)
    for part, (start, end) in regions(data).items():
        for _ in range(each):
            at, bit = draw.randrange(start, end), draw.randrange(8)
            changed = bytearray(data)
            changed[at] ^= 1 << bit
            yield f"bit {bit} of byte {at}, {part}", bytes(changed)


def truncations(data, *, count, seed=0):
    """Yield archives that are cut off, and some with bytes before or behind."""
    draw = random.Random(seed)
    yield "nothing", b""
    yield "two bytes", data[:2]
    yield "the end is missing", data[:-1]
    for _ in range(count):
        at = draw.randrange(3, len(data))
        yield f"cut at {at}", data[:at]
        yield f"begins at {at}", data[at:]
        yield f"zeros from {at}", data[:at] + bytes(len(data) - at)
        yield f"a hole at {at}", data[:at] + data[at + draw.randrange(1, 100) :]


def weight_flips(data, *, count, seed=0):
    """Yield archives whose weights have some bytes changed, with a checksum that is right."""
    draw, members = random.Random(seed), members_of(data)
    structure = min(len(members[WEIGHTS]), 8192)
    for number in range(count):
        content = bytearray(members[WEIGHTS])
        for _ in range(draw.choice((1, 1, 2, 8))):
            at = draw.randrange(structure if draw.random() < 0.8 else len(content))
            content[at] = draw.choice((content[at] ^ (1 << draw.randrange(8)), 0, 255, draw.randrange(256)))
        yield f"weights changed, {number}", packed({**members, WEIGHTS: bytes(content)})


def text_flips(data, *, count, seed=0):
    """Yield archives whose texts have some characters changed, with a checksum that is right."""
    draw, members = random.Random(seed), members_of(data)
    for number in range(count):
        name = draw.choice((CONFIG, CONFIG, CARD, METADATA))
        content = bytearray(members[name])
        for _ in range(draw.choice((1, 1, 3))):
            content[draw.randrange(len(content))] = draw.choice(b'0123456789-{}[]",:anul \xff\x00')
        yield f"text of {name} changed, {number}", packed({**members, name: bytes(content)})


def value_changes(data, *, count, seed=0):
    """Yield archives in whose description one value is another one, of any kind."""
    draw, members = random.Random(seed), members_of(data)
    odd = (
        None,
        True,
        -1,
        0,
        1.5,
        1e300,
        10**30,
        "",
        "x",
        [],
        {},
        [[]],
        {"class_name": "Dense"},
        "\x1b[2J",
        float("nan"),
    )
    for number in range(count):
        name = draw.choice((CONFIG, CONFIG, CARD))
        value = json.loads(members[name])
        place = draw.choice(list(places(value)))
        table, key = place
        table[key] = draw.choice(odd)
        yield f"{key!r} of {name} is {table[key]!r}, {number}", packed({**members, name: json.dumps(value)})


def places(node):
    """Yield all places of a value in tables and lists."""
    for key, value in list(node.items()) if isinstance(node, dict) else list(enumerate(node)):
        yield node, key
        if isinstance(value, (dict, list)):
            yield from places(value)


def code_that_writes(path):
    """Return the code of a function that writes a file, as Keras stores a lambda."""
    function = eval(f"lambda x: (__import__('pathlib').Path({str(path)!r}).write_text('ran'), x)[1]")
    return base64.b64encode(marshal.dumps(function.__code__)).decode("ascii")


def crafted(data, trap):
    """Yield archives that somebody made by hand; whatever runs or is written outside touches ``trap``."""
    yield from crafted_networks(data, trap)
    yield from crafted_texts(data)
    yield from crafted_archives(data, trap)


def crafted_networks(data, trap):
    """Yield archives whose description brings code, asks for what is no layer, or is none."""
    members = members_of(data)

    def changed(change):
        config = json.loads(members[CONFIG])
        change(config["config"]["layers"], config)
        return packed({**members, CONFIG: json.dumps(config)})

    def layer(name, inner, module="keras.layers", registered=None):
        one = {"module": module, "class_name": name, "config": inner, "registered_name": registered}
        return changed(lambda layers, whole: layers.append(one))

    code = {"class_name": "__lambda__", "config": {"code": code_that_writes(trap), "defaults": None, "closure": None}}
    yield "a lambda", layer("Lambda", {"name": "l", "function": code, "arguments": {}})
    old = {"name": "l", "function": [code["config"]["code"], None, None], "function_type": "lambda", "arguments": {}}
    yield "a lambda of an older Keras", layer("Lambda", old)
    as_activation = {"class_name": "__lambda__", "config": {"value": [code["config"]["code"], None, None]}}
    yield "a lambda for an activation", layer("Activation", {"name": "a", "activation": as_activation})
    yield "a saved model", layer("TFSMLayer", {"name": "t", "filepath": str(trap.parent)})
    yield "a pickle", layer("TorchModuleWrapper", {"module": "gASV", "name": "p"})
    yield "an unregistered class", layer("Evil", {"name": "e"}, "evil_package.layers")
    yield "a registered class of nobody", layer("Evil", {"name": "e"}, "evil_package.layers", "evil_package>Evil")
    yield "a module of Python", layer("system", {"name": "e"}, "os", "os>system")
    yield "a function of a module", layer("Popen", {"args": ["touch", str(trap)]}, "subprocess")
    function = {"module": "keras.utils", "class_name": "function", "config": "get_file", "registered_name": "get_file"}
    yield "a download", layer("Activation", {"name": "a", "activation": function})
    yield "a room of Keras for files", layer("SavedFile", {"name": "e"}, "keras.src.saving.saving_lib")
    vocabulary = {"name": "s", "vocabulary": "/etc/passwd", "max_tokens": None}
    yield "a file of the system", layer("StringLookup", vocabulary)
    yield "no layers", changed(lambda layers, whole: whole["config"].update(layers=None))
    yield "a text for layers", changed(lambda layers, whole: whole["config"].update(layers="x"))
    yield "a class that is a number", changed(lambda layers, whole: whole.update(class_name=3))
    yield "no class", changed(lambda layers, whole: whole.pop("class_name"))
    yield "another class", changed(lambda layers, whole: whole.update(class_name="Dense"))
    loss = {"module": "keras.losses", "class_name": "MeanSquaredError"}
    yield "a loss for a model", changed(lambda layers, whole: whole.update(loss))
    yield "a layer that is none", layer("Nothing", {"name": "n"})
    yield "other units", changed(lambda layers, whole: layers[-1]["config"].update(units=4))


def crafted_texts(data):
    """Yield archives whose texts are no descriptions, or whose card is of another model."""
    members = members_of(data)

    def text(name, content):
        return packed({**members, name: content})

    for name in (CONFIG, CARD):
        yield f"{name} is a list", text(name, "[]")
        yield f"{name} is empty", text(name, "")
        yield f"{name} is foreign", text(name, '{"a": 1}')
        yield f"{name} is cut off", text(name, members[name][: len(members[name]) // 2])
        yield f"{name} is not UTF-8", text(name, members[name].replace(b'"name"', b'"n\xffme"', 1) + b"\xff")
        yield f"{name} is too deep", text(name, "[" * 100_000 + "]" * 100_000)
        yield f"{name} is deep", text(name, json.dumps({**json.loads(members[name]), "x": deep(400)}))
    card = json.loads(members[CARD])
    for what, change in (
        ("the card of another model", {"input_shape": [28, 28, 1]}),
        ("a card of a giant input", {"input_shape": [100_000, 100_000, 3]}),
        ("a card of a later version", {"schema_version": 99}),
        ("a card of an endless version", {"schema_version": 10**400}),
        ("a card of shapes that are floats", {"input_shape": [5.0]}),
    ):
        yield what, text(CARD, json.dumps({**card, **change}))


def crafted_archives(data, trap):
    """Yield archives with members that are missing, named or packed as none are, and files that are no archives."""
    members = members_of(data)
    yield "no weights", packed({name: content for name, content in members.items() if name != WEIGHTS})
    yield "no config", packed({name: content for name, content in members.items() if name != CONFIG})
    yield (
        "weights of NumPy",
        packed({**{name: content for name, content in members.items() if name != WEIGHTS}, "model.weights.npz": b"PK"}),
    )
    for what, content in (("text", b"weights"), ("empty", b""), ("cut off", members[WEIGHTS][:-2000])):
        yield f"weights are {what}", packed({**members, WEIGHTS: content})
    for name in ("../evil", "/tmp/evil", "assets/../../evil", "C:\\evil", "a\\..\\..\\evil", "assets\\..\\x"):
        yield f"a member {name!r}", raw_named(members, name)
    yield "a member twice", packed([*members.items(), (CONFIG, members[CONFIG])])
    yield "a card twice", packed([*members.items(), (CARD, b"{}")])
    yield "a link", linked(members, str(trap))
    yield "something before", b"#!/bin/sh\n" + data
    yield "something behind", data + b"x" * 100
    yield "another zip behind", data + packed({"a": b"x"})
    yield "an HDF5 file", b"\x89HDF\r\n\x1a\n" + bytes(500)
    yield "a pickle file", b"\x80\x04\x95" + bytes(100)
    yield "a web page", b"<!DOCTYPE html><html></html>"
    yield "a pointer of Git LFS", b"version https://git-lfs.github.com/spec/v1\n"
    yield "encrypted", encrypted(data)
    for method in (12, 14, 99):
        yield f"method {method}", with_method(data, method)


def bombs(data, *, giant=False):
    """Yield archives that are small and would take gigabytes, each with a part of what is said of it.

    What takes long to make is small, unless ``giant``.
    """
    members = members_of(data)
    factor = 30 if giant else 1
    yield "a member that grows", growing(members, "assets/x", 100 * factor), "would unpack from"
    yield "a config that grows", growing(members, CONFIG, 70 * factor), "would unpack from"
    yield "a config of 20 MB", growing(members, CONFIG, 20), "the limit is 8,388,608"
    lists = '{"class_name": "Sequential", "config": {"x": [' + "[]," * 2_500_000 + "[]]}}"
    yield "a config of lists", packed({**members, CONFIG: lists}), "more than 500,000 lists and tables"
    yield "members that grow", many(members, 2 * factor, 60 * 2**20), "would unpack to"
    empty = {f"assets/{number}": b"" for number in range(2000 * factor)}
    yield "many members", packed({**members, **empty}), f"{2000 * factor + 4:,} members"
    yield "a list of 4 GB", claims(data, members=0xFFFF, size=0xFFFFFFFF), "listed in 4,294,967,295 bytes"
    for what, change, said in NETWORKS:
        config = json.loads(members[CONFIG])
        change(config["config"]["layers"], config)
        # Without a card, whose input would be another one.
        rest = {name: content for name, content in members.items() if name != CARD}
        yield what, packed({**rest, CONFIG: json.dumps(config)}), said
    for what, content in hdf5_bombs():
        yield what, packed({**members, WEIGHTS: content}), "are refused"


def growing(members, name, megabytes):
    """Return an archive with a member of zeros, so many megabytes of them."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for other, content in members.items():
            if other != name:
                archive.writestr(other, content)
        with archive.open(name, "w", force_zip64=True) as file:
            for _ in range(megabytes):
                file.write(bytes(2**20))
    return stream.getvalue()


def keras_object(kind, class_name, **config):
    """Return an object of Keras as a description has it."""
    return {"module": f"keras.{kind}", "class_name": class_name, "config": config, "registered_name": None}


def dense(*units):
    """Return a change of a description that puts layers of so many units before the last one."""

    def change(layers, whole):
        layers[-1].pop("build_config", None)
        for number, size in enumerate(units):
            layers.insert(1, deepcopy(layers[-1]))
            layers[1]["config"].update(units=size, name=f"bomb_{number}")

    return change


def inserted(*new):
    """Return a change of a description that puts layers behind the input."""

    def change(layers, whole):
        layers[-1].pop("build_config", None)
        layers[1:1] = deepcopy(new)

    return change


def of_input(*shape):
    """Return a change of a description that gives the network another input."""
    return lambda layers, whole: layers[0]["config"].update(batch_shape=[None, *shape])


def measured_by(name, **config):
    """Return a change of a description that compiles the network with a metric."""
    return lambda layers, whole: whole["compile_config"].update(metrics=[keras_object("metrics", name, **config)])


REPEATED = (
    keras_object("layers", "RepeatVector", n=9_000_000),
    keras_object("layers", "UpSampling1D", name="bomb", size=9),
)
NETWORKS = (
    ("a layer of a billion", dense(10**9), "units = 1,000,000,000, and the limit is 10,000,000"),
    ("two layers of a hundred thousand", dense(10**5, 10**5), "a network and metrics of 10,00"),
    ("a repetition", inserted(*REPEATED), "its layer `bomb` would make 405,000,000 numbers of one input"),
    ("a number that is none", dense(1e300), "units = 10,000,001"),
    ("an input of a billion", of_input(10**9), "batch_shape = 1,000,000,000"),
    ("an input of 10^10", of_input(10**5, 10**5), "one input of its network has 10,000,000,000 numbers"),
    ("a metric of 10^10", measured_by("MeanIoU", num_classes=10**5), "a network and metrics of 10,000,0"),
    ("a metric of a billion", measured_by("AUC", num_thresholds=10**9), "num_thresholds = 1,000,000,000"),
    ("6,000 layers", inserted(*[keras_object("layers", "ReLU", name=f"r{n}") for n in range(6000)]), "6,003 layers"),
)


def hdf5_bombs():
    """Yield files of HDF5 that are small and say that they are not."""
    import h5py
    import numpy as np

    def written(write):
        stream = io.BytesIO()
        with h5py.File(stream, "w") as file:
            write(file)
        return stream.getvalue()

    yield (
        "an array of a billion, nothing of it there",
        written(lambda file: file.create_dataset("layers/dense/vars/0", (10**9,), "f4")),
    )
    yield (
        "an array of a billion, compressed",
        written(
            lambda file: file.create_dataset("layers/dense/vars/0", (10**9,), "f4", chunks=(10**6,), compression="gzip")
        ),
    )

    def several(file):
        for number in range(100):
            file.create_dataset(f"layers/dense/vars/{number}", (10**7,), "f4", chunks=(10**6,), compression="gzip")

    yield "a hundred arrays of 40 MB", written(several)

    def itself(file):
        file.create_group("layers")["again"] = file["/"]

    yield "a group that holds itself", written(itself)

    def outside(file):
        file["layers"] = h5py.ExternalLink("/etc/passwd", "/")

    yield "a link to another file", written(outside)
    yield "a link inside", written(lambda file: file.__setitem__("layers", h5py.SoftLink("/nothing")))

    def external(file):
        file.create_dataset("layers/dense/vars/0", (10,), "u1", external=[("/etc/passwd", 0, 10)])

    yield "an array in another file", written(external)

    def virtual(file):
        layout = h5py.VirtualLayout((10,), "f4")
        layout[:] = h5py.VirtualSource("/etc/passwd", "x", (10,))
        file.create_virtual_dataset("layers/dense/vars/0", layout)

    yield "an array made of another file", written(virtual)
    yield (
        "texts for weights",
        written(lambda file: file.create_dataset("layers/dense/vars/0", data=np.array([b"x", b"y"]))),
    )
    yield (
        "an array of objects",
        written(lambda file: file.create_dataset("layers/dense/vars/0", (3,), h5py.vlen_dtype(np.dtype("f4")))),
    )


def deep(levels):
    """Return a list in a list in a list."""
    found = []
    for _ in range(levels):
        found = [found]
    return found


def raw_named(members, name):
    """Return an archive with a member of a name that zipfile would tidy."""
    return packed({**members, "#" * len(name): b"x"}).replace(b"#" * len(name), name.encode())


def linked(members, target):
    """Return an archive with a symbolic link."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
        info = zipfile.ZipInfo("assets/link")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, target)
    return stream.getvalue()


def many(members, count, size):
    """Return an archive of several members, each of zeros and of this size."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
        for number in range(count):
            archive.writestr(f"assets/{number}", bytes(size))
    return stream.getvalue()


def encrypted(data):
    """Return an archive that says that its first member is encrypted."""
    changed = bytearray(data)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        directory = archive.start_dir
    changed[6] |= 1
    changed[directory + 8] |= 1
    return bytes(changed)


def with_method(data, method):
    """Return an archive that says that its first member is compressed in a way of its own."""
    changed = bytearray(data)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        directory = archive.start_dir
    changed[8:10] = changed[directory + 10 : directory + 12] = struct.pack("<H", method)
    return bytes(changed)


def claims(data, *, members, size):
    """Return an archive whose end says that its directory has so many members and bytes."""
    changed = bytearray(data)
    changed[-14:-12] = changed[-12:-10] = struct.pack("<H", members)
    changed[-10:-6] = struct.pack("<I", size)
    return bytes(changed)
