"""Cfg files: what is read, what is refused and how, and the built-in ones against the authors' files."""

import os
from pathlib import Path

import pytest
from malformed_files import CFGS, CONVOLUTION, NET, YOLO

from kzoo.errors import DataError
from kzoo_zoo.yolov3.darknet import BUILT_IN, Head, builtin_cfg, parse_cfg, read_cfg
from kzoo_zoo.yolov3.darknet.layers import Convolution, MaxPool, Route

DATA = Path(os.environ.get("KZOO_TEST_DATA", "nowhere")) / "yolo"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="KZOO_TEST_DATA names no folder with yolo/")


def _refusal(text):
    with pytest.raises(DataError) as caught:
        parse_cfg(text, "my.cfg")
    message = str(caught.value)
    assert "\n" not in message
    assert "my.cfg" in message
    return message


class TestBuiltIn:
    @needs_data
    @pytest.mark.parametrize("name", BUILT_IN)
    def test_the_same_layers_as_the_authors_file(self, name):
        theirs = read_cfg(DATA / f"cfg/{name}.cfg")
        ours = read_cfg(name, width=theirs.width, height=theirs.height)
        assert len(ours.layers) == len(theirs.layers)
        for mine, other in zip(ours.layers, theirs.layers, strict=True):
            assert mine == other
        assert ours.shapes == theirs.shapes
        assert ours.heads == theirs.heads

    @pytest.mark.parametrize(
        ("name", "size"), [("yolov3", 248_007_048), ("yolov3-tiny", 35_434_956), ("yolov3-spp", 252_209_544)]
    )
    def test_the_published_files_of_weights_fit(self, name, size):
        assert 20 + 4 * sum(layer.count for layer in read_cfg(name).convolutions) == size

    def test_the_published_backbone_fits(self):
        backbone = [layer for layer in read_cfg("yolov3").convolutions if layer.index < 75]
        assert len(backbone) == 52
        assert 20 + 4 * sum(layer.count for layer in backbone) == 162_482_580  # darknet53.conv.74

    @pytest.mark.parametrize(
        ("name", "side", "flops"), [("yolov3", 416, 65.864), ("yolov3", 608, 140.69), ("yolov3-tiny", 416, 5.565)]
    )
    def test_as_many_operations_as_darknet_counts(self, name, side, flops):
        network = read_cfg(name, width=side)
        count = sum(
            2 * c.kernel_count * network.shapes[c.index].height * network.shapes[c.index].width
            for c in network.convolutions
        )
        assert count / 1e9 == pytest.approx(flops, rel=2e-3)


class TestReading:
    def test_comments_blanks_and_case(self):
        text = "; old\n[NET]\n width = 32 # pixels\nheight\t=32\n\n[Convolutional]\r\n filters = 4\nactivation=relu;\n"
        network = parse_cfg(text, "x/my.cfg")
        assert (network.name, network.width, network.height, network.channels) == ("my", 32, 32, 3)
        assert network.layers == (Convolution(0, 3, 4, 1, 1, 0, 1, False, "relu"),)

    def test_what_has_no_effect_may_stand_twice(self):
        text = "[net]\n# Testing\nbatch=1\nsubdivisions=1\n# Training\nbatch=64\nsubdivisions=16\n[convolutional]\n"
        assert len(parse_cfg(text, "my.cfg").layers) == 1

    def test_keys_of_training_and_of_what_follows_are_left_out(self):
        text = (
            "[net]\nletter_box=1\nmax_epochs=300\nmosaic=1\nema_alpha=0.9998\n"
            "[convolutional]\nsize=1\ndilation=2\nfilters=18\nactivation=linear\nclip=1\nstopbackward=800\n"
            "[dropout]\ndropblock=1\ndropblock_size_rel=0.1\n"
            f"{YOLO}nms_kind=diounms\nbeta_nms=0.6\niou_thresh=0.213\niou_loss=ciou\nuc_normalizer=0.07\nmax_delta=5\n"
        )
        assert len(parse_cfg(text, "my.cfg").heads) == 1

    def test_defaults_are_darknets(self):
        network = parse_cfg(f"{NET}[convolutional]\n[maxpool]\nstride=2\n", "my.cfg")
        assert network.layers[0].activation == "logistic"
        assert network.layers[1] == MaxPool(1, 2, 2, 1)

    def test_pad_goes_before_padding(self):
        both = parse_cfg(f"{NET}[convolutional]\nsize=5\npad=1\npadding=7\n", "my.cfg")
        assert both.layers[0].padding == 2
        assert parse_cfg(f"{NET}[convolutional]\nsize=5\npadding=7\n", "my.cfg").layers[0].padding == 7

    def test_routes_count_back_or_from_the_start(self):
        text = f"{NET}{CONVOLUTION}{CONVOLUTION}{CONVOLUTION}[route]\nlayers=-1, 0\n"
        network = parse_cfg(text, "my.cfg")
        assert network.layers[3] == Route(3, (2, 0), 1, 0)
        assert network.shapes[3] == (32, 32, 36)

    def test_heads(self):
        head = parse_cfg(f"{NET}{CONVOLUTION}{YOLO}scale_x_y=1.05\n", "my.cfg").heads[0]
        assert head.anchors == ((1, 2), (3, 4), (5, 6))
        assert (head.classes, head.scale_x_y, head.stride) == (1, 1.05, 1)
        assert Head.from_dict(head.to_dict()) == head

    @pytest.mark.parametrize("name", BUILT_IN)
    def test_its_text_makes_the_same_network(self, name):
        network = read_cfg(name)
        assert parse_cfg(network.text, name).layers == network.layers

    def test_other_classes_and_anchors(self):
        network = read_cfg("yolov3-tiny")
        pairs = [(k, k + 1) for k in range(1, 7)]
        other = network.adapted(classes=3, anchors=pairs)
        assert [head.classes for head in other.heads] == [3, 3]
        assert [head.anchors for head in other.heads] == [tuple(pairs[3:]), tuple(pairs[:3])]
        assert [other.layers[layer].filters for layer in (15, 22)] == [24, 24]
        assert other.layers[:15] == network.layers[:15]

    def test_another_size(self):
        network = read_cfg("yolov3-tiny", width=320, height=256)
        assert [network.shapes[layer][:2] for layer in (16, 23)] == [(8, 10), (16, 20)]
        assert [head.stride for head in network.heads] == [32, 16]


@pytest.mark.parametrize("case", CFGS)
def test_refused_with_the_line(case):
    text, expected = CFGS[case]
    assert expected in _refusal(text)


class TestFiles:
    def test_weights_for_a_cfg(self, tmp_path):
        path = tmp_path / "net.cfg"
        path.write_bytes(bytes(2 << 20))
        with pytest.raises(DataError, match=r"2,097,152 bytes\. Is it the file of weights\?"):
            read_cfg(path)

    def test_bytes_that_are_no_text(self, tmp_path):
        path = tmp_path / "net.cfg"
        path.write_bytes(b"\x00\x01\x02\xff" * 20)
        with pytest.raises(DataError, match="not a text file"):
            read_cfg(path)

    def test_a_comment_in_an_old_encoding(self, tmp_path):
        path = tmp_path / "net.cfg"
        path.write_bytes(b"# Gr\xfc\xdfe\n" + builtin_cfg("yolov3-tiny").encode())
        assert read_cfg(path).layers == read_cfg("yolov3-tiny").layers

    def test_a_byte_order_mark_and_windows_line_ends(self, tmp_path):
        path = tmp_path / "net.cfg"
        path.write_bytes(b"\xef\xbb\xbf" + builtin_cfg("yolov3-tiny").replace("\n", "\r\n").encode())
        assert read_cfg(path).layers == read_cfg("yolov3-tiny").layers

    def test_no_file_names_the_built_in_ones(self):
        with pytest.raises(DataError, match="yolov3-tiny"):
            read_cfg("yolov3-tny")

    def test_a_folder(self, tmp_path):
        with pytest.raises(DataError, match="cannot be read"):
            read_cfg(tmp_path)

    def test_a_pipe(self, tmp_path):
        os.mkfifo(tmp_path / "net.cfg")
        with pytest.raises(DataError, match=r"net\.cfg cannot be read: it is a named pipe, not a file"):
            read_cfg(tmp_path / "net.cfg")
