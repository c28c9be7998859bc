import importlib.metadata
import io
import sys
import warnings
import zipfile
from contextlib import redirect_stderr, redirect_stdout

import pytest

from kzoo.errors import KzooError, UsageError
from kzoo.plugin import FormerName, hookimpl
from kzoo.plugins.discovery import PluginChoice, discover
from kzoo.plugins.entry_points import EntryPoint, installed, origin
from kzoo.plugins.hookspecs import HOOKS

TAKES_NO_ARGUMENT = "takes no argument, but its implementation has 'config'"
OWN = "is one of kzoo's own commands, whose names no plugin may take"
PACKED = """
from kzoo.plugin import LossSpec, hookimpl

@hookimpl
def kzoo_losses():
    return [LossSpec(name="packed", target="kzoo_packed:Packed")]
"""

NO_NAME = "`name` must be lower case letters, digits and `_`, starting with a letter"
NO_HOOK = "implements no hook; mark its functions with `kzoo.plugin.hookimpl`"

# One folder of fixtures/plugins in each row: what is said of it, and how many losses and metrics are left of it.
BROKEN = [
    ("bad_import", ["skipped kzoo-bad-import 0.2 (import): No module named 'kzoo_fixture_that_nobody_has'"], 0),
    (
        "bad_syntax",
        ["skipped kzoo-bad-syntax 0.2 (import): SyntaxError: invalid syntax (kzoo_bad_syntax.py, line 1)"],
        0,
    ),
    ("bad_exit", ["skipped kzoo-bad-exit 0.2 (import): it called sys.exit(3)"], 0),
    ("bad_hook", ["skipped kzoo-bad-hook 0.2 (call): RuntimeError: the moon is in the wrong phase"], 1),
    (
        "bad_argument",
        [f"skipped kzoo-bad-argument 0.2 (hooks): hook `kzoo_losses` {TAKES_NO_ARGUMENT}"],
        0,
    ),
    (
        "bad_hook_name",
        ["skipped kzoo-bad-hook-name 0.2 (hooks): there is no hook `kzoo_loses`; did you mean `kzoo_losses`?"],
        0,
    ),
    (
        "no_hooks",
        [f"skipped kzoo-no-hooks 0.2 (hooks): `kzoo_no_hooks` {NO_HOOK}"],
        0,
    ),
    (
        "rubbish",
        [
            "skipped kzoo-rubbish 0.2 (spec): `kzoo_losses` must return LossSpec objects, not 1; and 2 more like that",
            "skipped kzoo-rubbish 0.2 (call): `kzoo_losses` must return a list of specs, not None",
            "skipped kzoo-rubbish 0.2 (call): `kzoo_losses` must return a list of specs, not 3",
            "skipped kzoo-rubbish 0.2 (call): `kzoo_losses` must return a list of specs, not 'emd'",
        ],
        0,
    ),
    (
        "duplicate",
        ["skipped kzoo-duplicate 0.2 (spec): loss 'second': the name 'twice' is published twice by this distribution"],
        1,
    ),
    (
        "newer_api",
        ["skipped kzoo-newer-api 3.0 (api): it needs plugin interface 999, this kzoo has 1: upgrade kzoo"],
        0,
    ),
    (
        "bad_command",
        [
            (
                f"skipped kzoo-bad-command 0.2 (spec): command 'Bad-Name': {NO_NAME}, not 'Bad-Name'; "
                "command 'bad_section': `section` must be words that start with a capital, not ''"
            )
        ],
        4,
    ),
    (
        "command_of_kzoo",
        [
            (
                f"skipped kzoo-command-of-kzoo 0.2 (spec): command 'list_losses': `list-losses` {OWN}; "
                f"command 'serve': `run` {OWN}"
            )
        ],
        1,
    ),
    ("midway", ["skipped kzoo-midway 0.2 (call): ValueError: half way"], 0),
]


@pytest.mark.parametrize(("case", "said", "left"), BROKEN, ids=[row[0] for row in BROKEN])
def test_a_broken_plugin_costs_one_line_and_nobody_else_anything(case, said, left, fixture_points):
    alone = discover(entry_points=fixture_points("good"))
    found = discover(entry_points=fixture_points("good", case))
    assert [str(problem) for problem in found.problems] == said
    mine = [plugin for plugin in found.plugins if plugin.distribution == "kzoo-good"]
    assert mine == alone.plugins
    assert len(mine[0].specs) == 12
    assert sum(len(plugin.specs) for plugin in found.plugins) == 12 + left
    assert all(problem.error.__traceback__ for problem in found.problems if problem.stage != "spec")


def test_a_spec_that_is_wrong_does_not_take_the_others_with_it(fixture_points):
    found = discover(entry_points=fixture_points("bad_spec"))
    assert [spec.name for plugin in found.plugins for spec in plugin.specs] == ["spec_in_order"]
    [problem] = found.problems
    assert problem.names == ("Bad Name", "bad_aliases", "bad_tasks")
    assert problem.kinds == ("loss",)
    assert str(problem).startswith("skipped kzoo-bad-spec 0.2 (spec): loss 'Bad Name': `name` must be lower case")
    assert "`aliases` must be a list of names, not 'text'" in str(problem)
    assert "loss 'bad_tasks': `tasks` must be a list of names, not 3" in str(problem)
    assert "\n" not in str(problem)


def test_all_broken_plugins_together_leave_the_installed_ones_as_they_are(plugins):
    plugins()
    before = discover()
    plugins(*(row[0] for row in BROKEN), "bad_spec", "malformed", "malformed_stranger", "good")
    after = discover()
    assert len(after.problems) == len(before.problems) + sum(len(row[1]) for row in BROKEN) + 2
    ours = [plugin for plugin in after.plugins if plugin.first_party]
    assert ours == [plugin for plugin in before.plugins if plugin.first_party]
    assert "kzoo-good" in {plugin.distribution for plugin in after.plugins}


def test_ctrl_c_passes_through(fixture_points):
    with pytest.raises(KeyboardInterrupt):
        discover(entry_points=fixture_points("bad_interrupt"))


def test_every_hook_is_called(fixture_points):
    [plugin] = discover(entry_points=fixture_points("good")).plugins
    assert {spec.kind for spec in plugin.specs} == {kind for kinds in HOOKS.values() for kind in kinds}
    assert (plugin.distribution, plugin.version, plugin.entry_point) == ("kzoo-good", "1.2", "good")


def test_of_ones_own_only_what_is_asked_for_is_loaded_and_of_others_all(plugins):
    plugins("good", "midway")
    found = discover(kinds=("loss",))
    own = {spec.kind for plugin in found.plugins if plugin.first_party for spec in plugin.specs}
    assert own == {"loss"}
    assert [str(problem) for problem in found.problems] == ["skipped kzoo-midway 0.2 (call): ValueError: half way"]
    [good] = [plugin for plugin in found.plugins if plugin.distribution == "kzoo-good"]
    assert good in discover().plugins
    everything = {spec for plugin in discover().plugins for spec in plugin.specs if spec.kind == "loss"}
    assert {spec for plugin in found.plugins for spec in plugin.specs if spec.kind == "loss"} == everything


def test_old_names_are_kept_beside_the_specs(fixture_points):
    [plugin] = discover(entry_points=fixture_points("good")).plugins
    assert [former.name for former in plugin.former_names] == ["old.losses.FormerLoss", "old.losses.Gone"]


def test_a_wrong_old_name_costs_no_component(fixture_points, monkeypatch):
    points = fixture_points("good")
    module = points[0].load()
    offered = [FormerName(name="undotted", answer="x"), FormerName(name="a.B", answer=3), "a.C"]
    monkeypatch.setattr(module, "kzoo_former_names", hookimpl(lambda: offered))
    found = discover(entry_points=points)
    assert found.plugins[0].specs
    assert not found.plugins[0].former_names
    text = str(found.problems[0])
    assert "old name 'undotted': `name` must be a dotted name such as 'library.losses.Name'" in text
    assert "`answer` must be text, not 3" in text
    assert "must return FormerName objects, not 'a.C'" in text
    assert found.problems[0].kinds == ()


def test_one_entry_point_name_in_two_distributions(fixture_points):
    found = discover(entry_points=fixture_points("same_names"))
    assert not found.problems
    assert [(p.qualified, len(p.specs)) for p in found.plugins] == [
        ("kzoo-same-a:plugin", 1),
        ("kzoo-same-b:plugin", 1),
    ]


def test_one_module_in_two_entry_points_is_loaded_once(fixture_points):
    [point] = fixture_points("same_names")[:1]
    again = importlib.metadata.EntryPoint("again", point.value, point.group)._for(point.dist)
    found = discover(entry_points=[point, again])
    assert len(found.plugins) == 1
    assert "is already loaded by the entry point" in str(found.problems[0])


def test_a_target_that_does_not_exist_is_nobodys_problem_yet(fixture_points):
    found = discover(entry_points=fixture_points("good"))
    assert not found.problems
    assert "good_missing" in {spec.name for spec in found.plugins[0].specs}


def test_warnings_as_errors_are_problems_of_the_plugin_that_warns(fixture_points, monkeypatch):
    points = fixture_points("good")
    sys.modules.pop("kzoo_good.plugin", None)

    def warn(self):
        warnings.warn("old-fashioned", DeprecationWarning, stacklevel=1)

    monkeypatch.setattr(EntryPoint, "load", warn)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = discover(entry_points=points)
    assert [str(problem) for problem in found.problems] == [
        "skipped kzoo-good 1.2 (import): DeprecationWarning: old-fashioned"
    ]


def test_noise_of_plugins_goes_to_stderr(fixture_points):
    points = fixture_points("noisy")
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        found = discover(entry_points=points)
    assert out.getvalue() == ""
    assert err.getvalue().split("\n") == ["noise at import", "noise in a hook", ""]
    assert len(found.plugins[0].specs) == 1


class TestChoice:
    MODULES = ("kzoo_good.plugin", "kzoo_bad_import", "kzoo_noisy")

    @pytest.fixture(autouse=True)
    def _points(self, fixture_points):
        self.points = fixture_points("good", "bad_import", "noisy")

    def discover(self, **choice):
        found = discover(PluginChoice(**choice), self.points)
        loaded = {name.split(".")[0] for name in self.MODULES if name in sys.modules}
        return found, loaded

    def test_none(self):
        found, loaded = self.discover(none=True)
        assert (found.plugins, found.problems, loaded) == ([], [], set())
        assert [plugin.distribution for plugin in found.disabled] == ["kzoo-bad-import", "kzoo-good", "kzoo-noisy"]

    @pytest.mark.parametrize("name", ["kzoo-bad-import", "Kzoo_Bad.Import", "bad", "kzoo-bad-import:bad"])
    def test_without(self, name):
        found, loaded = self.discover(without=(name,))
        assert loaded == {"kzoo_good", "kzoo_noisy"}
        assert not found.problems
        assert [(plugin.qualified, plugin.version) for plugin in found.disabled] == [("kzoo-bad-import:bad", "0.2")]

    @pytest.mark.parametrize("name", ["kzoo-good", "good", "kzoo_good:good"])
    def test_only(self, name):
        _, loaded = self.discover(only=(name,))
        assert loaded == {"kzoo_good"}

    def test_only_nothing(self):
        assert self.discover(only=())[1] == set()

    def test_strict(self):
        with pytest.raises(KzooError, match=r"--strict-plugins .*: skipped kzoo-bad-import 0\.2 \(import\)") as caught:
            self.discover(strict=True)
        assert isinstance(caught.value.__cause__, ModuleNotFoundError)
        assert self.discover(strict=True, without=("bad",))[0].problems == []

    @pytest.mark.parametrize(("field", "source"), [("without", "--no-plugin"), ("only", "KZOO_PLUGINS")])
    def test_unknown_name(self, field, source):
        with pytest.raises(UsageError) as caught:
            self.discover(**{field: ("kzoo-goood",)})
        assert f"{source} names `kzoo-goood`" in str(caught.value)
        assert "kzoo-bad-import, kzoo-good, kzoo-noisy" in str(caught.value)
        assert not [name for name in self.MODULES if name in sys.modules]

    def test_from_environment(self, monkeypatch):
        assert PluginChoice.from_environment() == PluginChoice()
        monkeypatch.setenv("KZOO_PLUGINS", " kzoo-good , bad,")
        assert PluginChoice.from_environment(strict=True).only == ("kzoo-good", "bad")
        monkeypatch.setenv("KZOO_PLUGINS", "")
        assert PluginChoice.from_environment().only == ()


def test_first_party_components_cannot_be_switched_off(plugins):
    plugins()
    ours = {plugin.entry_point for plugin in discover(PluginChoice(none=True, only=())).plugins}
    points = importlib.metadata.entry_points(group="kzoo")
    assert ours <= {point.name for point in points if point.dist.name == "kzoo"}
    for name in ("kzoo", *sorted(ours)[:1]):
        with pytest.raises(UsageError, match="cannot be switched off"):
            discover(PluginChoice(without=(name,)))


class TestInstalledEntryPoints:
    def test_agrees_with_importlib_metadata(self, plugins):
        plugins("good", "bad_import", "same_names", "no_metadata")
        wanted = {(point.name, point.value) for point in importlib.metadata.entry_points(group="kzoo")}
        assert {(point.name, point.value) for point in installed()[0]} == wanted

    def test_one_malformed_file_costs_one_problem(self, plugins):
        plugins("malformed", "malformed_stranger", "good")
        with pytest.raises(TypeError):
            importlib.metadata.entry_points(group="kzoo")
        points, broken = installed()
        assert "good" in {point.name for point in points}
        [(whose, error)] = broken
        assert whose == ("kzoo-malformed", "0.2")
        assert "every line must be `name = module`" in str(error)
        said = "skipped kzoo-malformed 0.2 (metadata): its entry_points.txt is malformed; "
        assert [str(p).startswith(said) for p in discover().problems if p.stage == "metadata"] == [True]

    @pytest.mark.parametrize("cases", [("good", "older_copy"), ("older_copy", "good")])
    def test_the_first_copy_on_the_path_is_the_one_in_force(self, cases, plugins):
        plugins(*cases)
        found = [version for name, version in (origin(p.dist) for p in installed()[0]) if name == "kzoo-good"]
        assert found == [importlib.metadata.version("kzoo-good")] == ["1.2" if cases[0] == "good" else "0.9"]

    def test_an_older_copy_of_what_is_no_longer_a_plugin_is_not_loaded(self, plugins):
        plugins("no_longer_a_plugin", "good")
        assert "good" not in {point.name for point in installed()[0]}
        plugins("good")
        assert "good" in {point.name for point in installed()[0]}

    def test_what_python_itself_finds_is_found(self, plugins):
        plugins("good", "noisy", "older_copy")
        ours = {(point.name, point.value, str(point.dist.locate_file(""))) for point in installed()[0]}
        theirs = {
            (point.name, point.value, str(distribution.locate_file("")))
            for distribution in importlib.metadata.distributions()
            if "[kzoo]" in (distribution.read_text("entry_points.txt") or "")
            and "malformed" not in str(distribution.locate_file(""))
            for point in distribution.entry_points.select(group="kzoo")
        }
        assert ours == {found for found in theirs if "older_copy" not in found[2]}
        assert {name for name, *_ in ours} > {"good", "noisy", "zoo"}

    def test_long_lines_that_end_as_on_windows_are_read(self, tmp_path, monkeypatch):
        info = tmp_path / "kzoo_lines-9.dist-info"
        info.mkdir()
        (info / "entry_points.txt").write_bytes(b"[kzoo]\r\nlines = kzoo_lines\r\n")
        lines = (b"Name: kzoo-lines", b"Summary: " + b"x" * (1 << 17), b"Version: 1.0", b"", b"Version: 2 of a README")
        (info / "METADATA").write_bytes(b"\r\n".join(lines))
        monkeypatch.syspath_prepend(str(tmp_path))
        [point] = [point for point in installed()[0] if point.name == "lines"]
        assert (point.value, origin(point.dist)) == ("kzoo_lines", ("kzoo-lines", "1.0"))

    def test_a_distribution_in_an_archive_is_found(self, tmp_path, monkeypatch):
        with zipfile.ZipFile(tmp_path / "packed.zip", "w") as archive:
            archive.writestr("kzoo_packed-3.1.dist-info/METADATA", "Name: kzoo-packed\nVersion: 3.1\n")
            archive.writestr("kzoo_packed-3.1.dist-info/entry_points.txt", "[kzoo]\npacked = kzoo_packed\n")
            archive.writestr("kzoo_packed.py", PACKED)
        monkeypatch.syspath_prepend(str(tmp_path / "packed.zip"))
        [plugin] = [one for one in discover().plugins if one.distribution == "kzoo-packed"]
        assert (plugin.version, [spec.name for spec in plugin.specs]) == ("3.1", ["packed"])

    def test_a_finder_of_ones_own_is_asked(self, plugins, monkeypatch):
        [folder] = plugins("good")
        monkeypatch.setattr(sys, "path", [one for one in sys.path if one != str(folder)])

        class Finder(importlib.metadata.DistributionFinder):
            def find_spec(self, *given):
                return None

            def find_distributions(self, context=importlib.metadata.DistributionFinder.Context()):  # noqa: B008
                return importlib.metadata.MetadataPathFinder.find_distributions(
                    importlib.metadata.DistributionFinder.Context(path=[str(folder)])
                )

        assert "good" not in {point.name for point in installed()[0]}
        monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Finder()])
        assert "good" in {point.name for point in installed()[0]}

    def test_a_distribution_without_metadata_is_still_found(self, plugins):
        plugins("no_metadata")
        found = [plugin for plugin in discover().plugins if plugin.module == "kzoo_no_metadata"]
        assert [(plugin.distribution, plugin.version, len(plugin.specs)) for plugin in found] == [
            ("kzoo-no-metadata", "0.2", 1)
        ]
