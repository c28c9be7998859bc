"""The lists that Python has, beside what the list commands write as JSON."""

import json

import pytest

import kzoo
from kzoo.errors import UsageError

LISTS = {
    "list-losses": kzoo.list_losses,
    "list-metrics": kzoo.list_metrics,
    "list-optimizers": kzoo.list_optimizers,
    "list-regularizers": kzoo.list_regularizers,
    "list-trackers": kzoo.list_trackers,
    "list-pipelines": kzoo.list_pipelines,
    "list-plugins": kzoo.list_plugins,
}


@pytest.fixture(autouse=True)
def _plugins(plugins):
    plugins("good", "same_names")


@pytest.mark.parametrize("command", LISTS)
def test_they_are_those_of_the_commands(command, capsys):
    from kzoo.cli import main

    assert main([command, "--json"]) == 0
    assert [row.to_dict() for row in LISTS[command]()] == json.loads(capsys.readouterr().out)


def test_task_and_search_are_those_of_the_commands(capsys):
    from kzoo.cli import main

    assert main(["list-losses", "--task", "regression", "--search", "error", "--json"]) == 0
    names = [row["shown"] for row in json.loads(capsys.readouterr().out)]
    assert kzoo.list_losses(task="regression", search="error").names == names
    assert names
    with pytest.raises(UsageError, match="There is no task `x`"):
        kzoo.list_losses(task="x")
    with pytest.raises(UsageError, match="`search` must be the words to look for"):
        kzoo.list_plugins(search=3)


def test_a_list_is_a_sequence_of_rows_with_attributes():
    found = kzoo.list_losses(search="good_loss")
    assert len(found) == 1
    [row] = found
    assert (row.name, row.aliases, row.version) == ("good_loss", ["gl", "goodloss"], "1.2")
    assert "tasks" in dir(row)
    with pytest.raises(AttributeError, match="There is no `colour` in this row; it has kind, name, shown"):
        _ = row.colour
    assert kzoo.list_losses()[1:3].names == kzoo.list_losses().names[1:3]


def test_it_shows_itself():
    found = kzoo.list_losses(search="good_loss")
    assert repr(found) == "good_loss  Forgives [small] mistakes."
    assert repr(found[0]) == "<loss good_loss: Forgives [small] mistakes.>"
    assert found._repr_html_() == "<table><tr><td>good_loss</td><td>Forgives [small] mistakes.</td></tr></table>"
    assert repr(kzoo.list_losses(search="zzz")) == "(nothing)"
    assert "kzoo-good 1.2" in repr(kzoo.list_plugins(search="kzoo-good"))
    assert kzoo.list_losses(search="contested").names == ["kzoo-same-a:contested", "kzoo-same-b:contested"]
