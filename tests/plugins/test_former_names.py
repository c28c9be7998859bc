"""Every name of TensorFlow Addons has an answer, what the answers name exists, and the page says the same."""

import importlib
import importlib.util
import json
import re
from pathlib import Path

import pytest

from kzoo.plugins.build import parameters_of
from kzoo.plugins.reference import Reference
from kzoo.plugins.registry import get_registry
from kzoo.plugins.targets import load_target

DOCS = Path(__file__).parents[2] / "docs"
NAMES = json.loads((DOCS / "tensorflow_addons_names.json").read_text(encoding="utf-8"))
KINDS = {"losses": {"loss"}, "metrics": {"metric"}, "optimizers": {"optimizer", "schedule"}}
ALL = [f"tfa.{group}.{name}" for group in KINDS for name in NAMES[group]]
EARLIER = {"tfa.metrics.KendallsTau"}  # asked for, though 0.23 does not have it
FORMER = [former for former in get_registry().all_former() if former.name.startswith("tfa.")]


def test_the_page_is_up_to_date():
    """`python docs/from_tensorflow_addons.py` writes it anew."""
    spec = importlib.util.spec_from_file_location("from_tensorflow_addons", DOCS / "from_tensorflow_addons.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert script.PAGE.read_text(encoding="utf-8") == script.page(get_registry())


def test_the_list_is_that_of_the_last_version():
    assert "tensorflow-addons 0.23.0" in NAMES["source"]
    assert {group: len(NAMES[group]) for group in KINDS} == {"losses": 21, "metrics": 16, "optimizers": 23}


@pytest.mark.parametrize("name", ALL)
def test_it_has_an_answer(name):
    [former] = get_registry().former(name)
    assert former.name == name
    assert former.answer.endswith(".")
    group = name.split(".")[1]
    assert {entry.kind for entry in former.successors} <= KINDS[group]
    assert [other.name for other in get_registry().former(former.short)] == [name]
    assert get_registry().former(name.replace("tfa.", "tensorflow_addons."))[0] is former
    if not former.successors:  # then it says what to do
        assert re.search(r"keras|kzoo|Keras", former.answer), former.answer


def test_no_other_name_is_claimed():
    assert {former.name for former in FORMER} == {*ALL, *EARLIER}


@pytest.mark.parametrize("former", FORMER, ids=lambda former: former.name)
def test_every_successor_exists(former):
    for entry in former.successors:
        assert callable(load_target(entry))


@pytest.mark.parametrize("former", FORMER, ids=lambda former: former.name)
def test_what_an_answer_names_exists(former):
    for text in re.findall(r"`([^`]+)`|(keras\.\w+(?:\.\w+)+)", former.answer):
        quoted = text[0] or text[1]
        dotted = re.search(r"(?:keras|kzoo|kzoo_plugins)(?:\.\w+)+", quoted)
        if dotted:
            assert resolved(dotted[0]) is not None
        if re.fullmatch(r"[a-z_0-9]+:[a-z_0-9]+=.*", quoted):
            reference = Reference.parse(quoted)
            entries = [e for e in former.successors if e.name == reference.name] or get_registry().find(reference.name)
            for entry in entries:
                taken = parameters_of(load_target(entry))
                assert set(reference.kwargs) <= {*taken, *getattr(entry.spec, "variants", {})}, quoted


def resolved(path):
    """Return the object that a dotted path leads to."""
    parts = path.split(".")
    for at in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:at]))
        except ModuleNotFoundError:
            continue
        for name in parts[at:]:
            found = getattr(found, name)
        return found
    raise ModuleNotFoundError(path)


@pytest.mark.parametrize(
    "reference",
    [
        "triplet_semihard:distance_metric=l2",
        "triplet_hard:distance_metric=l2",
        "npairs:from_similarities=true",
        "sparsemax:from_logits=true",
        "adabelief:rectify=true,epsilon=1e-14",
        "novograd:learning_rate=0.001,beta_1=0.9,beta_2=0.999,epsilon=1e-7",
        "lookahead:inner=adam,k=6",
        "sgd:momentum=0.9,weight_decay=0.01",
    ],
)
def test_the_old_defaults_can_be_built(reference):
    from kzoo.plugins.build import build

    [entry] = get_registry().find(Reference.parse(reference).name)
    assert build(entry.kind, reference)
    assert any(reference in former.answer for former in FORMER)
