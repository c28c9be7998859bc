"""The formulas of the site: every one is TeX that becomes MathML, and says what the docstring says."""

import re
import xml.etree.ElementTree as ET

import pytest
from website.formulas import block, code_of, fingerprint, formulas, mathml, written_formula
from website.places import FOLDERS

from kzoo.plugins.registry import get_registry

WITHOUT = {"optimizer": {"adafactor", "ftrl", "keras_schedule_free_adamw", "muon"}}
"""Components of Keras's own whose formula is not in TeX: their pages have what Keras's docstring says."""
MATH = "{http://www.w3.org/1998/Math/MathML}"


def entries(kind):
    return {entry.name: entry for entry in get_registry().entries(kind) if entry.first_party}


@pytest.mark.parametrize("kind", FOLDERS)
def test_every_component_has_a_formula(kind):
    assert set(entries(kind)) - set(formulas(kind)) == WITHOUT.get(kind, set())


@pytest.mark.parametrize("kind", FOLDERS)
def test_no_formula_is_of_a_component_that_is_not_there(kind):
    assert set(formulas(kind)) - set(entries(kind)) == set()


@pytest.mark.parametrize("kind", FOLDERS)
def test_every_formula_becomes_mathml(kind):
    for name, formula in formulas(kind).items():
        for tex in formula["tex"]:
            made = ET.fromstring(mathml(tex))
            assert made.tag == f"{MATH}math", name
            written = "".join(made.itertext())
            assert "\\" not in written, (name, written)
            # Letters in a row outside of a text are a command whose backslash was forgotten.
            rest = re.sub(r"\\(text|mathrm|operatorname|begin|end)\{[^}]*\}|\\[a-zA-Z]+", " ", tex)
            assert re.findall("[a-zA-Z]{3,}", rest) == [], name


@pytest.mark.parametrize("kind", FOLDERS)
def test_the_formula_in_the_docstring_is_the_one_that_was_put_into_tex(kind):
    """Where it changed: look whether the TeX still says the same, and write the new fingerprint beside it."""
    texts = {
        name: written_formula(entry.spec.target)
        for name, entry in entries(kind).items()
        if not entry.spec.target.startswith("keras.")
    }
    assert {name for name, text in texts.items() if not text} == set()
    stated = {name: formulas(kind)[name].get("of") for name in texts}
    assert {name: fingerprint(text) for name, text in texts.items() if fingerprint(text) != stated[name]} == {}


def test_the_arguments_that_a_formula_names_are_those_of_the_component():
    from kzoo.plugins.build import parameters_of
    from kzoo.plugins.targets import load_target

    for kind, name in (("loss", "focal"), ("loss", "arcface"), ("optimizer", "lars"), ("regularizer", "srip")):
        where = formulas(kind)[name].get("where", "")
        named = {part for part in where.split("`")[1::2] if part.isidentifier()}
        assert named <= set(parameters_of(load_target(entries(kind)[name]))), name


def test_a_command_that_is_not_understood_is_refused():
    with pytest.raises(ValueError, match="not understood"):
        mathml(r"\frobnicate{x}")


def test_a_formula_says_what_its_letters_are():
    shown = block("loss", "smoothed_crossentropy")
    assert "<math" in shown
    assert "*ŷ* the prediction" in shown
    assert "`label_smoothing`" in shown
    assert block("optimizer", "muon") == ""


def test_what_a_formula_is_in_a_docstring():
    assert code_of("for one sample:\n\n```\na = b\nc = d\n```\n\nMore.") == "a = b\nc = d"
    assert code_of("with *b*, it is `a`.") == "with *b*, it is `a`."
    assert fingerprint("a  =\nb") == fingerprint("a = b") != fingerprint("a = c")
    assert written_formula("kzoo_plugins.losses.boxes:DIoU").startswith("diou = 1 - I / (U + eps)")
