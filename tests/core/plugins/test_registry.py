import itertools

import pytest

from kzoo.errors import UsageError
from kzoo.plugin import KINDS, LISTED_KINDS, CommandSpec, FormerName, LossSpec, MetricSpec, OptimizerSpec, PipelineSpec
from kzoo.plugins.discovery import Discovery, Plugin, PluginChoice, Problem, discover
from kzoo.plugins.registry import Registry, get_registry, plural, set_plugin_choice


def loss(name, **kwargs):
    return LossSpec(name=name, target="m:a", **kwargs)


def plugin(distribution, *specs, version="1.0", entry_point="p"):
    return Plugin(distribution, version, entry_point, "m", specs)


def registry(*plugins, problems=(), disabled=()):
    return Registry(Discovery(list(plugins), list(problems), list(disabled)))


OURS = plugin(
    "kzoo",
    loss("emd", aliases=("earth_mover",), tasks={"ordinal"}),
    loss("huber", tasks={"regression"}),
    MetricSpec(name="emd", target="m:b"),
    OptimizerSpec(name="adam", target="m:c"),
    PipelineSpec(name="cats_vs_dogs", target="m:d", task="binary"),
    version="0.1",
)
A = plugin("kzoo-a", loss("emd"), loss("shared"), loss("alone", aliases=("solo", "huber")), version="1.0")
B = plugin("kzoo-b", loss("shared"), loss("other", aliases=("alone", "nick")), version="2.0")


def test_bare_names():
    found = registry(OURS, A, B)
    assert found.get("loss", "emd").distribution == "kzoo"
    assert found.get("loss", "earth_mover").qualified == "kzoo:emd"
    assert found.get("loss", "solo").qualified == "kzoo-a:alone"
    assert found.get("loss", "alone").qualified == "kzoo-a:alone", "a name goes before another's alias"
    assert found.get("loss", "huber").qualified == "kzoo:huber", "a first-party name goes before an external alias"
    assert found.get("metric", "emd").spec.target == "m:b"


def test_an_alias_of_ours_hides_nobody_s_name():
    ours = plugin("kzoo", PipelineSpec(name="cats_vs_dogs", aliases=("photos",), target="m:d", task="binary"))
    assert registry(ours).pipeline("photos").name == "cats_vs_dogs"
    assert registry(ours).known("Photos", "pipeline")
    assert not registry(ours).known("photos", "loss")
    theirs = plugin("kzoo-a", PipelineSpec(name="photos", target="m:e", task="binary"))
    found = registry(ours, theirs)
    with pytest.raises(
        UsageError,
        match=r"another name of kzoo's `cats_vs_dogs`.* `kzoo:cats_vs_dogs` \(1\.0\) or `kzoo-a:photos` \(1\.0\)",
    ):
        found.pipeline("photos")
    assert found.pipeline("kzoo-a:photos").distribution == "kzoo-a"
    assert found.pipeline("kzoo:photos").name == "cats_vs_dogs"
    assert found.names("pipeline") == ["cats_vs_dogs", "kzoo-a:photos"]
    aliased = plugin("kzoo-a", PipelineSpec(name="snaps", aliases=("photos",), target="m:e", task="binary"))
    assert registry(ours, aliased).pipeline("photos").first_party, "of two aliases ours goes first"


def test_qualified_names_always_work():
    found = registry(OURS, A, B)
    assert found.get("loss", "kzoo-a:emd").distribution == "kzoo-a"
    assert found.get("loss", "Kzoo_A:emd").distribution == "kzoo-a"
    assert found.get("loss", "kzoo-b:nick").name == "other"
    for kind in KINDS:
        for entry in found.entries(kind):
            assert found.get(kind, entry.qualified) is entry


def test_a_conflict_names_every_distribution_and_version():
    with pytest.raises(UsageError) as caught:
        registry(OURS, A, B).get("loss", "shared")
    assert "`kzoo-a:shared` (1.0) or `kzoo-b:shared` (2.0)" in str(caught.value)


@pytest.mark.parametrize("order", list(itertools.permutations([OURS, A, B])))
def test_the_shown_name_finds_its_entry_whatever_the_order(order):
    found = registry(*order)
    for kind in KINDS:
        for entry, name in zip(found.entries(kind), found.names(kind), strict=True):
            assert found.get(kind, name) is entry
            assert found.bare_owner(entry) == (name == entry.name)
    assert found.names("loss") == ["alone", "emd", "kzoo-a:emd", "huber", "other", "kzoo-a:shared", "kzoo-b:shared"]


@pytest.mark.parametrize("name", ["cats_vs_dogs", "cats-vs-dogs", "Cats-Vs_Dogs", "kzoo:cats-vs-dogs"])
def test_dash_and_underscore_are_the_same(name):
    assert registry(OURS).get("pipeline", name).name == "cats_vs_dogs"


class TestUnknown:
    def said(self, found, name, kind="loss"):
        with pytest.raises(UsageError) as caught:
            found.get(kind, name)
        return str(caught.value)

    def test_nearest_names(self):
        assert "Did you mean `huber`?" in self.said(registry(OURS), "hubre")
        assert "`earth_mover`" in self.said(registry(OURS), "earthmover")
        assert "`kzoo list-losses` shows all" in self.said(registry(OURS), "zzz")

    def test_another_kind(self):
        assert "There is an optimizer of that name." in self.said(registry(OURS), "adam")
        assert "There is a pipeline of that name." in self.said(registry(OURS), "cats-vs-dogs")

    def test_a_plugin_that_failed(self):
        broken = Problem("kzoo-bad", "0.2", "p", "import", ImportError("No module named 'x'"))
        said = self.said(registry(OURS, problems=[broken]), "wanted")
        assert "skipped kzoo-bad 0.2 (import): No module named 'x'" in said
        assert "kzoo-bad 0.2" in self.said(registry(OURS, problems=[broken]), "kzoo-bad:wanted")
        assert "not installed" not in self.said(registry(OURS, problems=[broken]), "kzoo-bad:wanted")
        assert "kzoo-bad 0.2" not in self.said(registry(OURS, problems=[broken]), "kzoo:wanted")

    def test_the_problem_that_names_it_goes_before_others(self):
        general = Problem("kzoo-bad", "0.2", "p", "import", ImportError("nothing"))
        exact = Problem("kzoo-worse", "0.3", "p", "spec", ValueError("no target"), ("loss",), ("wanted",))
        said = self.said(registry(OURS, problems=[general, exact]), "wanted")
        assert "kzoo-worse 0.3" in said
        assert "kzoo-bad" not in said

    def test_a_problem_of_other_kinds_is_not_mentioned(self):
        metrics = Problem("kzoo-bad", "0.2", "p", "call", ValueError("x"), ("metric",))
        assert "kzoo-bad" not in self.said(registry(OURS, problems=[metrics]), "wanted")

    def test_a_distribution_that_is_off_or_missing(self):
        off = registry(OURS, disabled=[plugin("kzoo-off")])
        assert "`kzoo-off` is switched off" in self.said(off, "kzoo-off:x")
        assert "`kzoo-nix` is not installed" in self.said(off, "kzoo-nix:x")


def test_find_looks_in_every_kind():
    found = registry(OURS, A, B)
    assert [entry.kind for entry in found.find("emd")] == ["loss", "metric"]
    assert [entry.kind for entry in found.find("kzoo-a:emd")] == ["loss"]
    with pytest.raises(UsageError, match=r"No component or pipeline named `hubre`\. Did you mean `huber`"):
        found.find("hubre")
    with pytest.raises(UsageError, match="published by several"):
        found.find("shared")


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_a_way_of_its_own(kind, fixture_points):
    found = Registry(discover(entry_points=fixture_points("good")))
    for entry in found.entries(kind):
        assert getattr(found, kind)(entry.qualified) is found.get(kind, entry.name)
        assert isinstance(entry.spec, KINDS[kind])
    with pytest.raises(UsageError, match=f"No {kind} named `nothing`"):
        getattr(found, kind)("nothing")


def test_a_component_of_a_kind_in_a_variable():
    found = registry(OURS, A)
    assert found.component("metric", "emd") is found.metric("emd")
    assert found.component("loss", "solo").spec.fits("binary")
    with pytest.raises(ValueError, match="A pipeline is no component"):
        found.component("pipeline", "cats_vs_dogs")


class TestCommands:
    FOUND = registry(
        plugin("kzoo", CommandSpec(name="import_it", target="m:a"), LossSpec(name="emd", target="m:a"), version="0.1"),
        plugin("kzoo-a", CommandSpec(name="make_tea", target="m:a"), CommandSpec(name="emd", target="m:a")),
        plugin("kzoo-b", CommandSpec(name="make_tea", target="m:a"), CommandSpec(name="import_it", target="m:a")),
    )

    def test_written_with_dashes(self):
        assert [(entry.written, entry.qualified) for entry in self.FOUND.commands()] == [
            ("emd", "kzoo-a:emd"),
            ("import-it", "kzoo:import-it"),
            ("import-it", "kzoo-b:import-it"),
            ("make-tea", "kzoo-a:make-tea"),
            ("make-tea", "kzoo-b:make-tea"),
        ]
        names = ["emd", "import-it", "kzoo-b:import-it", "kzoo-a:make-tea", "kzoo-b:make-tea"]
        assert self.FOUND.names("command") == names
        assert [self.FOUND.command(name) for name in names] == self.FOUND.commands()
        assert OURS.specs[-1].name == registry(OURS).pipeline("cats-vs-dogs").written, "those of other kinds are not"

    def test_a_conflict(self):
        with pytest.raises(UsageError, match=r"`kzoo-a:make-tea` \(1\.0\) or `kzoo-b:make-tea` \(1\.0\)"):
            self.FOUND.command("make-tea")

    def test_unknown_ones_are_like_those_of_kzoo_too(self):
        with pytest.raises(UsageError, match=r"Did you mean `list-losses`.*\? `kzoo --help` shows all"):
            self.FOUND.command("list-loses")
        with pytest.raises(UsageError, match=r"Did you mean `import-it`\?"):
            self.FOUND.command("imprt-it")

    def test_they_are_not_found_among_the_others(self):
        assert set(KINDS) - set(LISTED_KINDS) == {"command"}
        assert [entry.kind for entry in self.FOUND.find("emd")] == ["loss"]
        assert not self.FOUND.known("make_tea")
        with pytest.raises(UsageError, match="There is a command of that name"):
            self.FOUND.find("import_it")


def test_fitting():
    found = registry(OURS, A)
    assert [entry.qualified for entry in found.fitting("loss", "ordinal")] == [
        "kzoo-a:alone",
        "kzoo:emd",
        "kzoo-a:emd",
        "kzoo-a:shared",
    ]
    assert [entry.name for entry in found.fitting("pipeline", "binary")] == ["cats_vs_dogs"]
    assert found.fitting("pipeline", "ordinal") == []


def test_entries_cannot_be_changed_from_outside():
    found = registry(OURS)
    found.entries("loss").clear()
    assert len(found.entries("loss")) == 2


def test_the_choice_of_the_process(plugins):
    plugins("good", "bad_import")
    heard = []
    set_plugin_choice(PluginChoice(), report=heard.append)
    assert get_registry() is get_registry()
    assert [problem.distribution for problem in heard if problem.distribution != "kzoo"] == ["kzoo-bad-import"]
    assert get_registry().get("loss", "good_loss").origin == "kzoo-good 1.2"
    set_plugin_choice(PluginChoice(none=True))
    with pytest.raises(UsageError, match="good_loss"):
        get_registry().get("loss", "good_loss")


def test_conflict_between_installed_distributions(fixture_points):
    found = Registry(discover(entry_points=fixture_points("same_names")))
    with pytest.raises(UsageError, match=r"`kzoo-same-a:contested` \(1\.0\) or `kzoo-same-b:contested` \(2\.0\)"):
        found.get("loss", "contested")
    assert found.get("loss", "kzoo_same_b:contested").spec.summary == "The one of b."


def test_a_first_party_name_is_not_overridden(fixture_points):
    external = discover(entry_points=fixture_points("first_party_name")).plugins
    found = registry(OURS, *external)
    assert found.get("loss", "emd").distribution == "kzoo"
    assert found.get("loss", "kzoo-taker:emd").origin == "kzoo-taker 0.2"
    assert "kzoo-taker:emd" in found.names("loss")


def test_plural():
    assert [plural(kind) for kind in KINDS] == [
        "losses",
        "metrics",
        "optimizers",
        "optimizers",
        "regularizers",
        "trackers",
        "pipelines",
        "commands",
    ]


def test_first_party_names():
    known = get_registry()
    assert known.get("loss", "emd").first_party
    assert known.get("metric", "emd").first_party
    assert known.get("loss", "mse").name == "mean_squared_error"
    assert known.get("optimizer", "adam").spec.target == "keras.optimizers:Adam"


class TestFormerNames:
    FOUND = registry(
        Plugin(
            "kzoo",
            "0.1",
            "p",
            "m",
            (loss("pair", successor_of=("old.losses.PairLoss", "old.losses.pair_loss")), loss("lone")),
            (
                FormerName(name="old.losses.PairLoss", answer="Its margin was 2.", package="old_package"),
                FormerName(name="old.optimizers.Lazy", answer="Use adam.", package="old_package"),
            ),
        ),
        plugin("kzoo-a", loss("twin", successor_of=("old.losses.PairLoss", "other.losses.Twin"))),
    )

    @pytest.mark.parametrize(
        "name",
        ["PairLoss", "old.losses.PairLoss", "old_package.losses.PairLoss", "old_package.losses.pairs.PairLoss"],
    )
    def test_every_spelling_of_the_path(self, name):
        [former] = self.FOUND.former(name)
        assert (former.name, former.answer) == ("old.losses.PairLoss", "Its margin was 2.")
        assert [entry.qualified for entry in former.successors] == ["kzoo:pair", "kzoo-a:twin"]
        assert self.FOUND.succession(former) == "`old.losses.PairLoss` is now the loss `pair` or the loss `twin`."

    def test_capitals_tell_a_class_from_a_function(self):
        assert [former.name for former in self.FOUND.former("pair_loss")] == ["old.losses.pair_loss"]
        assert [former.name for former in self.FOUND.former("pairloss")] == [
            "old.losses.PairLoss",
            "old.losses.pair_loss",
        ]

    @pytest.mark.parametrize(
        "name", ["Other", "old.metrics.PairLoss", "new.losses.PairLoss", "losses.PairLoss", "", ".", "old.losses."]
    )
    def test_what_is_no_old_name(self, name):
        assert self.FOUND.former(name) == []

    def test_a_name_without_a_successor(self):
        [former] = self.FOUND.former("Lazy")
        assert (former.successors, former.answer) == ((), "Use adam.")
        assert self.FOUND.succession(former) == "Nothing in kzoo has taken the place of `old.optimizers.Lazy`."

    def test_a_name_without_an_answer(self):
        [former] = self.FOUND.former("other.losses.Twin")
        assert (len(former.successors), former.answer) == (1, "")

    def test_asking_for_an_old_name_says_what_it_is_now(self):
        with pytest.raises(UsageError, match=r"`old.losses.PairLoss` is now the loss `pair`.*`kzoo info old"):
            self.FOUND.get("loss", "PairLoss")

    def test_all_of_them(self):
        names = [former.name for former in self.FOUND.all_former()]
        assert names == ["old.losses.PairLoss", "old.losses.pair_loss", "old.optimizers.Lazy", "other.losses.Twin"]


def test_an_argument_without_a_value_is_no_distribution():
    with pytest.raises(UsageError, match=r"`focal` is a loss, and .* as in `focal:ignore_class=VALUE`; or the distri"):
        get_registry().loss("focal:ignore_class")
