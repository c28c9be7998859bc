"""docs/augmentations.md does what it says, and names all that there is."""

import re
from pathlib import Path

import numpy as np
import tensorflow as tf
from pipelines import moment

from kzoo import augmentation

PAGE = (Path(__file__).parents[3] / "docs" / "augmentations.md").read_text(encoding="utf-8")
IN_A_PIPELINE, WITH_MASKS, OF_ONES_OWN = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def what(code):
    """Return the names that a block of the page leaves."""
    names = {}
    exec(code, names)
    return names


def test_the_pipelines_changes_run_in_a_graph():
    augment = what(IN_A_PIPELINE)["augment"]
    images = np.random.default_rng(0).integers(0, 256, (8, 16, 16, 3), dtype=np.uint8)
    found, labels = tf.function(lambda x, y: augment(x, y, moment((1, 2))))(images, tf.range(8))
    np.testing.assert_array_equal(labels, range(8))
    assert (found.shape, found.dtype) == (images.shape, tf.uint8)
    assert (found.numpy() != images).any((1, 2, 3)).all()


def test_masks_keep_their_values():
    assert set(np.unique(what(WITH_MASKS)["masks"])) == {1, 255}


def test_the_map_is_a_right_angle_to_the_left_and_twice_as_large():
    names = what(OF_ONES_OWN)
    middle = names["images"].numpy()[:, 8:25, 8:25]
    np.testing.assert_allclose(names["turned"][:, ::2, ::2], np.rot90(middle, axes=(1, 2)), atol=1e-4)


def test_the_page_names_every_function_and_no_other():
    table = PAGE.partition("## What there is")[2].partition("Shapes are")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert sorted(re.findall(r"`(\w+)`", "".join(rows))) == sorted(augmentation.__all__)
