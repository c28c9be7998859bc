"""Annotation files changed at random: each is read, or refused in one paragraph, and nothing else happens."""

import random

import pytest
from malformed_sets import coco, corners, raw, text, voc, yaml

from kzoo.data.annotations import read_annotations
from kzoo.errors import KzooError


def _darknet(root):
    text("0 .5 .5 .2 .2\n")(root)
    (root / "list.txt").write_text("images/a.jpg\n")
    return raw("obj.data", "classes=2\ntrain=list.txt\nnames=classes.txt\n")(root)


STATED = "path: .\ntrain: images\nval: images\ntest: ../x/images\nnc: 2\nnames:\n  0: cat\n  1: dog\n"
SETS = {
    "all.json": coco(),
    "a.xml": voc(corners(1, 1, 50, 50)),
    "labels/a.txt": text("0 .5 .5 .2 .2\n1 .2 .2 .1 .1\n"),
    "classes.txt": text("0 .5 .5 .2 .2\n"),
    "data.yaml": yaml(STATED),
    "obj.data": _darknet,
    "list.txt": _darknet,
}
"""By the file that is changed: what makes the set around it."""

TOKENS = [
    *(mark.encode() for mark in "{}[]<>&*!?|:,#-=~'\"%/\\\t\r\n\0"), b"\xff", b"\xef\xbb\xbf", b"..", b"&a ", b"*a",
    b"!!int ", b"null", b"NaN", b"Infinity", b"1e999", b"-1", b"9" * 400, b"9" * 5000, b"a" * 5000, b"\\u0000",
    b"\\ud800", b"~x",
]  # fmt: skip


def outcome(root, fix):
    """Return what a set is refused with, or an empty text; any other error goes through."""
    try:
        read_annotations(root, fix=fix)
    except KzooError as error:
        return str(error)
    return ""


def changed(rng, content):
    """Return bytes with one to four changes: something put in, taken out, repeated or replaced."""
    found = bytearray(content)
    for _ in range(rng.randint(1, 4)):
        at, end = rng.randrange(len(found) + 1), rng.randint(1, 20)
        part = bytes(found[at : at + end])
        token = rng.choice(TOKENS)
        found[at : at + end] = rng.choice((token + part, b"", part + part, token, rng.randbytes(1)))
    return bytes(found)


@pytest.mark.long
@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("seed", range(2))
def test_every_change_is_read_or_refused_in_one_paragraph(seed, name, tmp_path):
    SETS[name](tmp_path)
    file = tmp_path / name
    good = file.read_bytes()
    rng = random.Random(f"{seed} {name}")
    outcomes = []
    for _ in range(250):
        file.write_bytes(changed(rng, good))
        fix = rng.choice(("stop", "clip", "skip"))
        outcomes.append(outcome(tmp_path, fix))
    assert outcomes.count("") < 250
    assert not [said for said in outcomes if "\n" in said or len(said) > 20_000]
