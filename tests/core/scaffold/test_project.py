"""The names that follow from a distribution's name, and those that are refused."""

import pytest

from kzoo._version import __version__
from kzoo.errors import UsageError
from kzoo.scaffold import plan


@pytest.mark.parametrize(
    ("distribution", "options", "package", "name", "class_name"),
    [
        ("kzoo-my-loss", {}, "kzoo_my_loss", "my", "MyLoss"),
        ("kzoo-my-loss", {"name": "Not-Mine"}, "kzoo_my_loss", "not_mine", "NotMineLoss"),
        ("kzoo-my-loss", {"kind": "metric"}, "kzoo_my_loss", "my_loss", "MyLossMetric"),
        ("Kzoo_Hit.Rate", {"kind": "metric"}, "kzoo_hit_rate", "hit_rate", "HitRateMetric"),
        ("kzoo-loss", {}, "kzoo_loss", "loss", "Loss"),
        ("signum", {"kind": "optimizer"}, "signum", "signum", "SignumOptimizer"),
        ("kzoo-l0-regularizer", {"kind": "regularizer"}, "kzoo_l0_regularizer", "l0", "L0Regularizer"),
    ],
)
def test_names(distribution, options, package, name, class_name):
    project = plan(distribution, **options)
    assert (project.package, project.name, project.class_name) == (package, name, class_name)
    assert project.qualified == f"{project.distribution}:{name}"
    assert project.distribution == distribution.lower().replace("_", "-").replace(".", "-")


@pytest.mark.parametrize("name", ["", "-kzoo", "kzoo-", "my loss", "../up", "kzoo/loss", "kzoo-löss", "a\n", "--help"])
def test_what_is_no_name_of_a_distribution_is_refused(name):
    with pytest.raises(UsageError, match="cannot be the name of a distribution"):
        plan(name)


@pytest.mark.parametrize("name", ["2loss", "3-d-loss", "class", "json", "kzoo", "kzoo-plugins", "kzoo.zoo", "tests"])
def test_what_cannot_be_imported_is_refused(name):
    with pytest.raises(UsageError, match="would be imported as"):
        plan(name)


@pytest.mark.parametrize("name", ["2d", "my loss", "lo:ss", "löss", "_x", "a=b"])
def test_what_is_no_name_of_a_component_is_refused(name):
    with pytest.raises(UsageError, match="cannot be the name of a component"):
        plan("kzoo-my-loss", name=name)


def test_a_default_name_that_does_not_do_asks_for_another():
    with pytest.raises(UsageError, match=r"`2d` cannot be the name of a component.*--name"):
        plan("kzoo-2d-loss")


@pytest.mark.parametrize(("option", "value"), [("kind", "pipeline"), ("license", "mit"), ("kind", "")])
def test_kinds_and_licenses_without_a_template_are_refused(option, value):
    with pytest.raises(UsageError, match=f"--{option} takes"):
        plan("kzoo-my-loss", **{option: value})


@pytest.mark.parametrize(
    ("author", "name", "email"),
    [
        ("", "", ""),
        ("Ada Lovelace", "Ada Lovelace", ""),
        ("Ada Lovelace <ada@example.org>", "Ada Lovelace", "ada@example.org"),
        ("  Ada\n Lovelace<ada@example.org> ", "Ada Lovelace", "ada@example.org"),
        ('Ada "Countess" Lovelace', 'Ada "Countess" Lovelace', ""),
    ],
)
def test_author(author, name, email):
    project = plan("kzoo-my-loss", author=author)
    assert (project.author, project.email) == (name, email)


@pytest.mark.parametrize("author", ["Ada <ada", "<ada@example.org>", "Ada <ada at example.org>", "Ada\x07", "a > b"])
def test_an_author_that_cannot_be_read_is_refused(author):
    with pytest.raises(UsageError, match="--author takes a name"):
        plan("kzoo-my-loss", author=author)


def test_it_needs_the_kzoo_that_wrote_it():
    assert plan("kzoo-my-loss").requires == __version__
