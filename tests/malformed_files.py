"""Cfgs and files of weights that are wrong: what each is, and what must be said of it."""
# ruff: noqa: E501 - tables with a line for each

import struct

__all__ = ["CFG", "CFGS", "CONVOLUTION", "NET", "REGION", "WEIGHTS", "YOLO", "good_weights"]

NET = "[net]\nwidth=32\nheight=32\nchannels=3\n"
CONVOLUTION = "[convolutional]\nfilters=18\nsize=1\nactivation=linear\n"
YOLO = "[yolo]\nmask=0,1,2\nclasses=1\nnum=3\nanchors=1,2, 3,4, 5,6\n"
REGION = "[region]\nclasses=1\nnum=3\nsoftmax=1\nanchors=1,2, 3,4, 5,6\n"
CFG = f"{NET}{CONVOLUTION}{YOLO}"
"""What is right: one convolution of 18 filters over three channels, and a head."""

CFGS = {
    "empty": ("", "no section"),
    "prose": ("Dear all,\n", "line 1: `Dear all,` is neither"),
    "html": ("<!DOCTYPE html>\n<html>\n", "line 1"),
    "key first": ("width=3\n", "line 1: `width` stands before"),
    "unclosed": ("[net\n", "line 1: `[net` is no section"),
    "no net": (CONVOLUTION, r"begins with the section [net]"),
    "net alone": (NET, "no layer after it"),
    "no value": (f"{NET}[convolutional]\nfilters=\n", "line 6, [convolutional]: the key `filters` has no value"),
    "unknown section": (f"{NET}[convolutionel]\n", "line 5, [convolutionel]: the section is not known; did you mean `convolutional`?"),
    "of darknet but not of ours": (f"{NET}[detection]\n", "line 5, [detection]: Darknet knows this section, but it is not built here: it is the output of YOLOv1."),
    "region first": (f"{NET}{REGION}", "line 5, [region]: there is no layer before it"),
    "uncertain boxes": (f"{NET}[Gaussian_yolo]\n", "line 5, [gaussian_yolo]: Darknet knows this section, but it is not built here"),
    "attention": (f"{NET}{CONVOLUTION}{CONVOLUTION.replace('18', '9')}[sam]\nfrom=-2\n", "layer 0 has 32x32x18, the layer before has 32x32x9"),
    "every place its own weights": (f"{NET}{CONVOLUTION}[local]\n", "line 9, [local]: Darknet knows this section, but it is not built here. The sections are"),
    "anchors over lines": (f"{NET}{CONVOLUTION}{YOLO.replace(', 5,6', chr(10) + '5,6')}", "line 14: `5,6` is neither a [section] nor key=value. A list stands in one line, after its key."),
    "weighted sum": (f"{NET}{CONVOLUTION}[shortcut]\nfrom=-1\nweights_type=per_feature\n", "line 11, [shortcut]: `weights_type=per_feature` is not supported"),
    "two strides": (f"{NET}[convolutional]\nstride=2\nstride_x=1\n", "line 7, [convolutional]: `stride_x=1` is not supported"),
    "unknown key": (f"{NET}[convolutional]\nfliters=3\n", "line 6, [convolutional]: the key `fliters` is not known; did you mean `filters`?"),
    "unknown key of net": ("[net]\nwidht=3\n[convolutional]\n", "line 2, [net]: the key `widht` is not known; did you mean `width`?"),
    "twice": (f"{NET}[convolutional]\nfilters=3\nfilters=4\n", "line 6, [convolutional]: the key `filters` has a second value, 4, in line 7; this line says 3"),
    "no number": (f"{NET}[convolutional]\nfilters=many\n", "line 6, [convolutional]: `filters` must be a whole number, not `many`"),
    "fraction": (f"{NET}[convolutional]\nfilters=3.5\n", "line 6"),
    "negative": (f"{NET}[convolutional]\nfilters=-3\n", "must be from 1"),
    "gigantic": (f"{NET}[convolutional]\nfilters=99999999999\n", "must be from 1"),
    "zero stride": (f"{NET}[convolutional]\nstride=0\n", "must be from 1"),
    "activation": (f"{NET}[convolutional]\nactivation=leeky\n", "line 6, [convolutional]: `activation=leeky` is not known. Did you mean `leaky`?"),
    "not built here": (f"{NET}[convolutional]\nsize=3\nantialiasing=1\n", "line 7, [convolutional]: `antialiasing=1` is not supported"),
    "holes without a border": (f"{NET}[convolutional]\nsize=3\ndilation=2\n", "line 7, [convolutional]: `dilation=2` is built for windows of an odd size with stride 1 and pad=1; here the size is 3, the stride 1 and the padding 0."),
    "groups": (f"{NET}[convolutional]\nfilters=4\ngroups=2\n", "line 7, [convolutional]: 3 channels and 4 filters"),
    "too small": (f"{NET}[convolutional]\nsize=33\n", "nothing is left"),
    "route ahead": (f"{NET}{CONVOLUTION}[route]\nlayers=7\n", "`layers` must be from -1 to 0"),
    "route of nothing": (f"{NET}{CONVOLUTION}[route]\n", "the key `layers` is missing"),
    "route of sizes": (f"{NET}{CONVOLUTION}[upsample]\n[route]\nlayers=0,1\n", "layer 0 has 32x32x18, layer 1 has 64x64x18"),
    "route group": (f"{NET}{CONVOLUTION}[route]\nlayers=-1\ngroups=2\ngroup_id=2\n", "there is no group 2"),
    "shortcut": (f"{NET}{CONVOLUTION}[upsample]\n[shortcut]\nfrom=-2\n", "layer 0 has 32x32x18, the layer before has 64x64x18"),
    "scale of a map": (f"{NET}{CONVOLUTION}{CONVOLUTION}[scale_channels]\nfrom=-2\n", "layer 0 has 32x32x18, so the layer before needs 1x1x18; it has 32x32x18"),
    "yolo first": (f"{NET}{YOLO}", "line 5, [yolo]: there is no layer before it"),
    "filters of the head": (f"{NET}{CONVOLUTION.replace('18', '255')}{YOLO}", "3 anchors of 1 classes need filters=18 in the layer before, which has 255"),
    "mask": (f"{NET}{CONVOLUTION}{YOLO.replace('0,1,2', '1,2,3')}", "`mask` must be from 0 to 2, not 3"),
    "anchors": (f"{NET}{CONVOLUTION}{YOLO.replace(', 5,6', '')}", "`num=3` anchors need 6 numbers; `anchors` has 4"),
    "anchor of nothing": (f"{NET}{CONVOLUTION}{YOLO.replace('1,2, 3', '1,nan, 3')}", "must be from 0.001"),
    "two sets of classes": (f"{NET}{CONVOLUTION}{YOLO}{CONVOLUTION.replace('18', '21')}{YOLO.replace('classes=1', 'classes=2')}", "2 classes; the first head has 1"),
    "new coordinates": (f"{NET}{CONVOLUTION}{YOLO}new_coords=1\n", "line 14, [yolo]: `new_coords=1` takes numbers between 0 and 1: the layer before it must be a [convolutional] with activation=logistic"),
    "a tree of classes": (f"{NET}{CONVOLUTION}{REGION}tree=9k.tree\n", "line 14, [region]: its classes are a tree, as in YOLO9000"),
    "scores without bounds": (f"{NET}{CONVOLUTION}{REGION.replace('softmax=1', 'softmax=0')}", "[region]: only softmax=1 is built"),
    "more than a box": (f"{NET}{CONVOLUTION}{REGION}coords=8\n", "`coords=8` is not supported; only coords=4 is"),
    "filters of the region": (f"{NET}{CONVOLUTION.replace('18', '30')}{REGION}", "3 anchors of 1 classes need filters=18"),
    "cells that cannot be divided": (f"{NET}{CONVOLUTION}[reorg]\nstride=2\n", "[reorg]: the sides of the map before it, 32x32x18, must be divisible by 2, and its channels by 4"),
    "probabilities of a map": (f"{NET}{CONVOLUTION}[softmax]\n", "[softmax]: it is read where one place is left, as after [avgpool]; the layer before has 32x32x18"),
    "probabilities in groups": (f"{NET}{CONVOLUTION}[avgpool]\n[softmax]\ngroups=2\n", "`groups=2` is not supported; only groups=1 is"),
    "holes and strides": (f"{NET}[convolutional]\nsize=3\nstride=2\npad=1\ndilation=2\n", "line 9, [convolutional]: `dilation=2` is built for windows of an odd size with stride 1"),
    "binary weights": (f"{NET}[convolutional]\nxnor=1\n", "`xnor=1` is not supported"),
}  # fmt: skip
"""By a name: the text, and what the error says."""


def good_weights(*, major=0, minor=2, seen=77):
    """Return a file of weights for `CFG`: a header, 18 biases, 54 weights."""
    wide = major * 10 + minor >= 2
    return struct.pack("<iiiq" if wide else "<iiii", major, minor, 5, seen) + struct.pack(
        "<72f", *(n / 100 for n in range(72))
    )


_GOOD = good_weights()

WEIGHTS = {
    "nothing": (b"", "it has 0 bytes, fewer than the header"),
    "a header cut off": (_GOOD[:15], "it has 15 bytes"),
    "a long header cut off": (_GOOD[:19], "ends within the header"),
    "a header alone": (_GOOD[:20], "288 bytes are missing"),
    "cut off in a number": (_GOOD[:-1], "1 bytes are missing"),
    "cut off": (_GOOD[:-40], "40 bytes are missing"),
    "a number too many": (_GOOD + bytes(4), "4 bytes are left over"),
    "of other classes": (_GOOD + bytes(3 * 4 * 4), "other classes or channels"),
    "a short header for a long one": (_GOOD[:16] + _GOOD[20:], "4 bytes are missing"),
    "a long header for a short one": (good_weights(major=0, minor=1)[:16] + bytes(4) + _GOOD[20:], "4 bytes are left over"),
    "a page": (b"<!DOCTYPE html><html>" + bytes(400), "is it a web page"),
    "a pointer of Git LFS": (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", "no file of Darknet weights"),
    "a model of Keras": (b"PK\x03\x04" + bytes(400), "saved by another program"),
    "weights of HDF5": (b"\x89HDF\r\n\x1a\n" + bytes(400), "saved by another program"),
    "a network of ONNX": (b"\x08\x07\x12\x07pytorch" + bytes(400), "no file of Darknet weights"),
    "big-endian numbers": (struct.pack(">iiiq", 0, 2, 5, 77) + _GOOD[20:], "saved by another program"),
    "a number that is none": (_GOOD[:-4] + struct.pack("<f", float("nan")), "would be nan at place 53"),
    "an endless number": (_GOOD[:20] + struct.pack("<f", float("inf")) + _GOOD[24:], "the bias of layer 0 would be inf at place 0"),
}  # fmt: skip
"""By a name: the bytes of a file for `CFG`, and what the error says."""
