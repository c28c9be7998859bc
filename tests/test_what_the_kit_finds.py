"""docs/what-the-kit-finds.md runs as it stands, and docs/plugins.md has every check of a loss."""

import contextlib
import io
import re
from pathlib import Path

import pytest

from kzoo.testing import checks

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "what-the-kit-finds.md").read_text(encoding="utf-8")
START, *SECTIONS = re.split(r"^## ", PAGE, flags=re.MULTILINE)
BLOCKS = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
WITH_CODE = {part.partition("\n")[0]: BLOCKS.findall(part) for part in SECTIONS if BLOCKS.search(part)}


@pytest.fixture(scope="module")
def names():
    """Return what the first block imports, for all sections."""
    found = {"__name__": "my_losses"}
    exec(BLOCKS.findall(START)[0][1], found)
    return found


def shortened(text):
    """Return a text with its numbers as one machine and the next agree on them."""
    text = re.sub(r"\(line \d+ of", "(line N of", text)  # of Keras's own files
    return re.sub(r"-?\d+\.\d*(?:e[+-]?\d+)?", lambda number: f"{float(number[0]):.3g}", text).strip()


@pytest.mark.long
@pytest.mark.parametrize("section", WITH_CODE)
def test_the_kit_says_of_the_copied_loss_what_the_page_says(section, names):
    said = ""
    for kind, block in WITH_CODE[section]:
        if kind == "text":
            assert shortened(said) == shortened(block)
            continue
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(block, names)
        said = printed.getvalue()


def test_each_section_has_a_broken_loss_what_is_said_of_it_and_a_mended_one():
    assert len(WITH_CODE) == 5
    for blocks in WITH_CODE.values():
        assert [kind for kind, _ in blocks] == ["python", "text", "python"]
        assert blocks[2][1].rstrip().endswith(".raise_if_failed()")


def test_the_checks_of_losses_are_listed():
    rows = [f"| `{name}` | {check.__doc__.splitlines()[0]} |" for name, check in checks("loss").items()]
    assert "\n".join(rows) in (DOCS / "plugins.md").read_text(encoding="utf-8")
