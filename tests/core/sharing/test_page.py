"""The page of a model, where what it tells comes from strangers or from plugins."""

from pathlib import Path

import yaml

from kzoo.hub.address import Address
from kzoo.models.card import ModelCard
from kzoo.models.inspection import Inspection, Need
from kzoo.runs.manifest import DataRecord, Manifest
from kzoo.sharing.page import Subject, page_of


def subject(*, task="classification", needs=(), results=None, **card):
    model = Inspection(
        path=Path("model.keras"), bytes=1, sha256="ab" * 32, keras="3", saved="", network="", layers=1, weights=None,
        input_shape=None, faults=(), needs=tuple(needs), card=ModelCard(pipeline="kzoo-tea:cups", task=task, **card),
    )  # fmt: skip
    manifest = Manifest(
        status="done", recipe="r", seed=0, results={"test": results or {}}, data=DataRecord(description="a | *b*\n# c")
    )
    return Subject(address=Address("anna", "tea"), model=model, manifest=manifest, files={"model.keras": 1})


def test_the_plugins_that_it_needs_are_named_with_their_versions():
    needs = [
        Need(distribution="kzoo-tea", version="1.4", installed="1.4", provides=("cups", "kzoo_tea>Steep")),
        Need(distribution="kzoo", version="0.1.0", installed="0.1.0", provides=("emd",)),
    ]
    text = page_of(subject(needs=needs))
    assert "\nkzoo install kzoo-tea==1.4\nkzoo predict hf://anna/tea photo.jpg\n" in text
    assert "| `kzoo-tea` | `1.4` | `cups`, `kzoo_tea>Steep` |" in text
    assert "kzoo install kzoo==" not in text


def test_of_a_table_and_of_a_task_that_the_hub_has_no_name_for():
    assert "kzoo predict hf://anna/tea table.csv" in page_of(subject(task="regression"))
    metadata = yaml.safe_load(page_of(subject(task="embedding", results={"a": 1.0})).split("---\n")[1])
    assert "pipeline_tag" not in metadata
    assert "model-index" not in metadata
    assert metadata["tags"] == ["kzoo", "keras", "cups", "embedding"]


def test_only_finite_numbers_are_measures():
    results = {"loss": 0.5, "nan": float("nan"), "inf": float("inf"), "per_class": [1], "said": "x", "yes": True}
    metadata = yaml.safe_load(page_of(subject(results=results)).split("---\n")[1])
    [found] = metadata["model-index"][0]["results"]
    assert [one["name"] for one in found["metrics"]] == ["loss"]


def test_names_and_descriptions_are_no_markdown():
    text = page_of(subject(class_names=("a`b", "<script>", "x|y", "two\nlines"), results={"loss": 1.0}))
    assert "`` a`b ``, `<script>`, `x|y`, `two\\x0alines`." in text
    assert r": a | \*b\*\\x0a\# c." in text
    assert r"| data | a \| \*b\*\\x0a\# c |" in text
    assert "\n# c" not in text
