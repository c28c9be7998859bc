"""ONNX files from anybody: read without ONNX's library, and refused where they are not what kzoo writes."""

import json
import re

import numpy as np
import pytest

from kzoo.errors import KzooError
from kzoo.models import onnx_file
from kzoo.models.archive import CARD
from kzoo.models.card import ModelCard
from kzoo.models.onnx_file import read_onnx

onnx = pytest.importorskip("onnx", reason="ONNX files are made by the extra `onnx`")
from onnx import TensorProto, helper, numpy_helper

CARD_OF_IT = ModelCard(pipeline="mnist", task="classification", class_names=("a", "b"), input_shape=(4, 4, 1))


def array(numbers, name):
    return numpy_helper.from_array(np.asarray(numbers), name)


def network(nodes=(), weights=(), *, shape=("N", 4, 4, 1), card=CARD_OF_IT, dtype=TensorProto.FLOAT, last=""):
    """Return an ONNX model that begins with an input and ends in the last node."""
    nodes = nodes or [helper.make_node("Relu", ["input"], ["output"])]
    graph = helper.make_graph(
        nodes,
        "n",
        [helper.make_tensor_value_info("input", dtype, list(shape))],
        [helper.make_tensor_value_info(last or nodes[-1].output[0], TensorProto.FLOAT, None)],
        list(weights),
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], producer_name="kzoo")
    if card is not None:
        helper.set_model_props(made, {CARD: json.dumps(card.to_dict())})
    return made


@pytest.fixture
def opened(tmp_path):
    def open_it(content):
        path = tmp_path / "m.onnx"
        path.write_bytes(content if isinstance(content, bytes) else content.SerializeToString())
        return read_onnx(path)

    return open_it


def test_what_it_says_is_what_onnx_reads_of_it(opened):
    kernel = np.ones((3, 1, 3, 3), np.float32)
    nodes = [
        helper.make_node("Transpose", ["input"], ["t"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["t", "kernel"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("Reshape", ["c", "shape"], ["output"]),
    ]
    made = network(nodes, [array(kernel, "kernel"), array(np.array([0, -1], np.int64), "shape")])
    found = opened(made)
    assert found.card == CARD_OF_IT
    assert (found.input_shape, found.dtype, found.producer) == ((4, 4, 1), "float32", "kzoo")
    read = onnx.load_from_string(made.SerializeToString()).graph
    assert (found.nodes, found.arrays) == (len(read.node), len(read.initializer))
    assert found.numbers == sum(numpy_helper.to_array(one).size for one in read.initializer)


def _outside():
    made = network([helper.make_node("Add", ["input", "w"], ["output"])], [array(np.ones((1, 1), np.float32), "w")])
    weight = made.graph.initializer[0]
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="/etc/passwd")
    return made


def _function():
    made = network()
    made.functions.add(name="f", domain="d")
    return made


def _inside():
    branch = network().graph
    return network([helper.make_node("Relu", ["input"], ["output"], then_branch=branch)])


def _short():
    made = network([helper.make_node("Add", ["input", "w"], ["output"])], [array(np.ones((1, 1), np.float32), "w")])
    made.graph.initializer[0].dims[0] = 2**40
    return made


def _doubled(times):
    """Return a network that puts what it has beside itself again and again."""
    nodes = [helper.make_node("Concat", [f"x{n}" if n else "input"] * 2, [f"x{n + 1}"], axis=1) for n in range(times)]
    return network(nodes)


def _spread(stride, times, **more):
    kernel = array(np.ones((4, 4, 2, 2), np.float32), "kernel")
    nodes = [
        helper.make_node(
            "ConvTranspose", [f"x{n}" if n else "input", "kernel"], [f"x{n + 1}"], strides=[stride, stride], **more
        )
        for n in range(times)
    ]
    return network(nodes, [kernel])


def _enlarged(scale, times):
    weights = [array(np.array([1, scale, scale, 1], np.float32), "scales")]
    nodes = [helper.make_node("Resize", [f"x{n}" if n else "input", "", "scales"], [f"x{n + 1}"]) for n in range(times)]
    return network(nodes, weights)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (_outside, "its weights lie in other files"),
        (_function, "it brings functions of its own with it"),
        (_inside, "a node has a network or an array inside"),
        (_short, "the weights `w` are not as many as their shape says"),
        (lambda: network([helper.make_node("Loop", ["input"], ["output"])]), "it has the operator 'Loop'"),
        (lambda: network([helper.make_node("Relu", ["input"], ["o"], domain="x.y")]), "the operator 'x.y.Relu'"),
        (lambda: network([helper.make_node("ConstantOfShape", ["input"], ["o"])]), "the operator 'ConstantOfShape'"),
        (lambda: _doubled(40), "would make 17,592,186,044,416 numbers of one input"),
        (lambda: _spread(64, 4), "numbers of one input, and the limit is 134,217,728"),
        (lambda: _spread(2, 1, group=4), "(ConvTranspose) does not fit what it is given"),
        (lambda: _enlarged(64, 4), "numbers of one input, and the limit is 134,217,728"),
        (lambda: network([helper.make_node("Relu", ["other"], ["o"])]), "(Relu) does not fit what it is given"),
        (lambda: network(shape=("N", 2**14, 2**14, 1), card=None), "one input of its network has 268,435,456 numbers"),
        (
            lambda: network(shape=("N", 5, 4, 1)),
            "`input_shape` is 4 x 4 x 1, but the network beside it takes 5 x 4 x 1",
        ),
        (lambda: network(dtype=TensorProto.STRING), "ONNX's type 8"),
        (lambda: b"", "the file is empty"),
        (lambda: b"PK\x03\x04 a zip archive", "it is no ONNX file, or it is damaged"),
        (lambda: b"<html>a web page</html>", "it is no ONNX file, or it is damaged"),
        (lambda: b"\x08\x09", "it holds no network"),
        (lambda: b"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "a field is longer than what it stands in"),
    ],
)
def test_what_is_not_opened_is_named(opened, make, said):
    with pytest.raises(KzooError, match=re.escape(said)) as refused:
        opened(make())
    assert "m.onnx" in str(refused.value)


@pytest.mark.parametrize("stored", ['{"schema_version": 2, "class_names": 3}', "[]", "{", '{"a": 1}', "[" * 100_000])
def test_a_card_that_is_none_is_refused(opened, stored):
    made = network(card=None)
    helper.set_model_props(made, {CARD: stored})
    with pytest.raises(KzooError, match="card"):
        opened(made)


def test_one_without_a_card_says_so_and_is_not_predicted_with(opened, tmp_path, kzoo):
    assert opened(network(card=None)).card == ModelCard()
    code, _, err = kzoo("predict", str(tmp_path / "m.onnx"), "photo.jpg")
    assert (code, "was not saved by kzoo" in err) == (1, True)


def test_what_is_cut_off_or_changed_is_refused_or_read_and_never_anything_else(opened):
    whole = _enlarged(2, 2).SerializeToString()
    noise = np.random.default_rng(0)
    for end in range(0, len(whole), 23):
        try:
            opened(whole[:end])
        except KzooError:
            continue
    for _ in range(60):
        changed = bytearray(whole)
        for place in noise.integers(0, len(whole), 3):
            changed[place] ^= 1 << int(noise.integers(0, 8))
        try:
            opened(bytes(changed))
        except KzooError:
            continue


def test_the_limits_are_those_of_a_model_file():
    from kzoo.models import rehearsal

    assert onnx_file.MAX_ACTIVATION == rehearsal.MAX_ACTIVATION


def test_kzoo_check_says_what_is_wrong_with_it(opened, tmp_path, kzoo):
    opened(network())
    code, out, err = kzoo("check", str(tmp_path / "m.onnx"))
    assert (code, err) == (0, "")
    assert "4 x 4 x 1" in out
    (tmp_path / "bad.onnx").write_bytes(_outside().SerializeToString())
    code, _, err = kzoo("check", str(tmp_path / "bad.onnx"))
    assert (code, "its weights lie in other files" in err) == (1, True)
