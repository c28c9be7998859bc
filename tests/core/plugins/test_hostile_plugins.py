"""Plugins that raise anything, print anywhere, give odd values or change the process: listing survives, and says whose.

Each is written into a folder of its own and found as an installed distribution is.
"""

import json
import logging
import os
import signal
import subprocess
import sys
import textwrap
import warnings
from pathlib import Path

import pytest

from kzoo.plugins.discovery import discover
from kzoo.plugins.entry_points import installed

PLAIN = """\
from kzoo.plugin import *
@hookimpl
def kzoo_losses():
    return [LossSpec(name="odd", target="os:path", summary="Odd.")]
"""
POINTS = b"[kzoo]\nodd = kzoo_odd\n"
METADATA = b"Metadata-Version: 2.1\nName: kzoo-odd\nVersion: 0.2\n\n"


@pytest.fixture
def odd(tmp_path, monkeypatch):
    """Return a function that installs ``kzoo-odd`` with this code, and returns what is discovered of it."""

    def install(code, points=POINTS, metadata=METADATA):
        info = tmp_path / "kzoo_odd-0.2.dist-info"
        info.mkdir()
        (tmp_path / "kzoo_odd.py").write_text(textwrap.dedent(code))
        (info / "entry_points.txt").write_bytes(points)
        (info / "METADATA").write_bytes(metadata)
        monkeypatch.syspath_prepend(str(tmp_path))
        found = discover()
        assert any(plugin.first_party for plugin in found.plugins), "those of kzoo are there"
        assert all(problem.distribution == "kzoo-odd" for problem in found.problems)
        mine = [plugin for plugin in found.plugins if plugin.distribution == "kzoo-odd"]
        return [str(problem) for problem in found.problems], [spec for plugin in mine for spec in plugin.specs]

    yield install
    sys.modules.pop("kzoo_odd", None)


SILENT = "(its text cannot be shown: its __str__ raises"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("class Skipped(BaseException): pass\nraise Skipped('no screen')", "(import): Skipped: no screen"),
        ("raise GeneratorExit", "(import): GeneratorExit"),
        ("class E(Exception):\n  def __str__(self): raise OSError\nraise E", f"(import): E: {SILENT} OSError)"),
        ("class E(Exception):\n  def __str__(self): exit(3)\nraise E", f"(import): E: {SILENT} SystemExit)"),
        (
            "class E:\n  def __str__(self): raise OSError\nraise SystemExit(E())",
            f"it called sys.exit({SILENT} OSError))",
        ),
        (
            "from kzoo.plugins.discovery import discover\ndiscover()",  # as a first `kzoo.loss(...)` does
            "(import): it asks kzoo for a component while it is imported",
        ),
        (
            "from kzoo.plugin import *\n@hookimpl\ndef kzoo_losses():\n  yield from ()\n  raise BaseException('half')",
            "(call): BaseException: half",
        ),
        (
            "from kzoo.plugin import *\n@hookimpl\ndef kzoo_losses():\n  while True: yield None",
            "(call): `kzoo_losses` returned more than 100,000 specs",
        ),
    ],
    ids=["skip", "generator exit", "no text", "text that exits", "exit code", "asks", "half", "endless"],
)
def test_whatever_is_raised_is_said_with_whose_it_is(code, said, odd):
    [problem], specs = odd(code)
    assert problem.startswith("skipped kzoo-odd 0.2 ")
    assert said in problem
    assert specs == []


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("summary=3", "`summary` must be text, not 3"),
        ("reference=b'x'", "`reference` must be text, not b'x' (bytes)"),
        ("aliases=3", "`aliases` must be a list of names, not 3"),
        ("aliases=[3]", "`aliases` must be a list of names, not of 3"),
        ("note=[1]", "`note` must be text, not [1] (list)"),
        ("cautions=['x']", "`cautions` must be a table, not ['x'] (list)"),
        ("cautions={'binary': 3}", "`cautions[binary]` must be text, not 3"),
        ("example=[1]", "`example` must be a table, not [1] (list)"),
        ("example={1: 2}", "`example` must have texts for keys, not 1"),
        ("example={'a': object()}", "`example[a]` must be a number, text, or a list or table of these"),
        ("expected_failures=3", "`expected_failures` must be a table, not 3"),
        ("variants={'binary': 'no target'}", "`variants` must hold 'module:attribute', not 'no target'"),
        ("variants={'nope': 'os:path'}", "`variants` may hold classification, "),
        ("successor_of=[3]", "`successor_of` must be a list of names, not of 3"),
        ("properties=7", "`properties` must be a table, not 7"),
        ("summary={}", "`summary` must be text, not {} (dict)"),  # an empty table, as the default of other fields is
        ("aliases=''", "`aliases` must be a list of names, not ''"),
        ("variants=()", "`variants` must be a table, not () (tuple)"),
        ("name=R(), summary=R()", "loss 'an object of the type R': `name` must be text, not an object of the type R"),
    ],
)
def test_a_field_of_an_odd_type_is_named(spec, said, odd):
    code = f"""\
    from kzoo.plugin import *
    class R:
        def __repr__(self): raise OSError
        def __getattr__(self, name): raise OSError
    @hookimpl
    def kzoo_losses():
        good = LossSpec(name="good", target="os:path")
        return [good, LossSpec(**{{**dict(name="odd", target="os:path"), **dict({spec})}})]
    """
    [problem], specs = odd(code)
    assert problem.startswith("skipped kzoo-odd 0.2 (spec): loss ")
    assert said in problem
    assert [spec.name for spec in specs] == ["good"]


def test_a_text_that_lies_is_taken_for_what_it_holds(odd):
    code = """\
    from kzoo.plugin import *
    class S(str):
        def lie(self, *given): raise OSError
        __eq__ = __str__ = __repr__ = __format__ = __lt__ = replace = lie
        def __hash__(self): return 1
    class Mine(LossSpec):
        kind = property(lambda self: 1 / 0)
        def faults(self): return None
        def fits(self, task): raise OSError
    @hookimpl
    def kzoo_losses():
        more = dict(aliases=[S("peculiar")], tasks={S("binary")}, example={S("a"): S("b")})
        yield Mine(name=S("odd"), target=S("os:path"), **more)
    """
    problems, [spec] = odd(code)
    assert problems == []
    assert (spec.kind, spec.name, spec.aliases, spec.example) == ("loss", "odd", ("peculiar",), {"a": "b"})
    texts = (spec.name, spec.target, *spec.aliases, *spec.tasks, *spec.example, *spec.example.values())
    assert {type(text) for text in texts} == {str}
    assert spec.fits("binary")


@pytest.mark.parametrize(
    ("points", "said"),
    [
        ("[kzoo]\nodd = kzoo_odd\n".encode("utf-16"), "is not text in UTF-8 (the byte 0xff at 0)"),
        ("[kzoo]\nödd = kzoo_odd\n".encode("latin-1"), "is not text in UTF-8 (the byte 0xf6 at 7)"),
        ("\ufeff[kzoo]\nodd = kzoo_odd\n".encode(), "begins with a byte order mark; write it as plain UTF-8"),
    ],
    ids=["utf-16", "latin-1", "mark"],
)
def test_entry_points_that_cannot_be_read_do_not_make_a_plugin_vanish(points, said, odd):
    problems, _ = odd(PLAIN, points)
    assert problems == [f"skipped kzoo-odd 0.2 (metadata): its entry_points.txt {said}"]


def test_a_distribution_of_another_encoding_that_is_no_plugin_is_none_of_our_business(odd):
    assert odd(PLAIN, "[console_scripts]\nödd = kzoo_odd\n".encode("latin-1")) == ([], [])


@pytest.mark.parametrize("metadata", [METADATA.replace(b"\n\n", b"\nAuthor: J\xf6rg\n\n"), b""])
def test_damaged_metadata_still_says_whose_it_is(metadata, odd):
    assert odd("raise OSError", metadata=metadata)[0] == ["skipped kzoo-odd 0.2 (import): OSError"]


CHANGES = """\
import logging, os, signal, sys, warnings
os.chdir("/")
os.environ["KZOO_ODD"] = "1"
os.environ.pop("KZOO_KEPT")
sys.path.insert(0, "/nowhere")
sys.argv.append("odd")
sys.stdout = None
warnings.filterwarnings("ignore", message="mine", category=DeprecationWarning)  # a library's own right
warnings.simplefilter("error")
logging.basicConfig(level=0, force=True)
signal.signal(signal.SIGINT, signal.SIG_IGN)
"""


def test_what_loading_changes_is_put_back_and_said(odd, monkeypatch, tmp_path):
    monkeypatch.setenv("KZOO_KEPT", "kept")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [*sys.argv])

    def state():
        root = logging.getLogger()
        kept = (Path.cwd(), dict(os.environ), list(sys.argv), sys.stdout, root.level, list(root.handlers))
        return kept, signal.getsignal(signal.SIGINT)

    handler = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell has it ignored in the background
    with warnings.catch_warnings():
        before = state()
        problems, specs = odd(CHANGES + PLAIN)
        assert state() == before
        signal.signal(signal.SIGINT, handler)
        assert "/nowhere" not in sys.path
        assert ("error", None, Warning, None, 0) not in warnings.filters
        assert next(one[1].pattern for one in warnings.filters if one[1]) == "mine"
    [problem] = problems
    assert problem == (
        "noted kzoo-odd 0.2 (surroundings): it changed the working folder, the environment (KZOO_KEPT, KZOO_ODD), "
        "sys.path, sys.argv, the standard streams, the filters of all warnings, the logging of everybody, what Ctrl-C "
        "and SIGTERM do while it was loaded; all of it is put back"
    )
    assert [spec.name for spec in specs] == ["odd"]


LATER = PLAIN.replace('"odd"', '"later"')
TWO = b"[kzoo]\nodd = kzoo_odd\nsecond = kzoo_odd_too\n"


@pytest.fixture
def too(tmp_path):
    """Return a function that writes a second module for ``odd`` to install beside its own."""
    yield (tmp_path / "kzoo_odd_too.py").write_text
    sys.modules.pop("kzoo_odd_too", None)


def test_of_two_plugins_each_is_named_for_what_it_changed_itself(odd, too):
    too("import os, sys\nsys.argv.append('x')\nassert 'KZOO_ODD' not in os.environ\n" + LATER)
    narrow = "import os, warnings\nwarnings.filterwarnings('ignore', message='mine')\nos.environ['KZOO_ODD'] = '1'\n"
    with warnings.catch_warnings():
        problems, specs = odd(narrow + PLAIN, TWO)
    said = [problem.partition("it changed ")[2].partition(" while")[0] for problem in problems]
    assert said == ["the environment (KZOO_ODD)", "sys.argv"]
    assert [spec.name for spec in specs] == ["odd", "later"]


def test_a_name_in_two_entry_points_of_a_distribution_is_published_once(odd, too):
    too(PLAIN)
    [problem], [spec] = odd(PLAIN, TWO)
    assert problem.endswith("loss 'odd': the name 'odd' is published twice by this distribution")
    assert spec.name == "odd"


@pytest.mark.parametrize("change", ["logging.disable()", "logging.root.addHandler(logging.NullHandler())", "pass"])
def test_logging_that_only_the_plugin_has_imported_is_put_back(change, odd, monkeypatch):
    monkeypatch.delitem(sys.modules, "logging")
    problems, _ = odd(f"import logging\n{change}\n{PLAIN}")
    root = sys.modules["logging"].root
    assert (root.manager.disable, root.handlers) == (0, [])
    assert ["the logging of everybody" in problem for problem in problems] == ([] if change == "pass" else [True])


@pytest.mark.parametrize("instead", ["None", "types.ModuleType('logging')"])
def test_logging_that_a_plugin_takes_away_costs_nobody_anything(instead, odd, monkeypatch):
    monkeypatch.setitem(sys.modules, "logging", logging)
    assert odd(f"import sys, types\nsys.modules['logging'] = {instead}\n{PLAIN}")[0] == []


HOOK = "return [LossSpec(name='odd', target='os:path')]"


@pytest.mark.parametrize(
    "hooks",
    [
        f"@hookimpl(specname='kzoo_losses')\ndef mine(): {HOOK}",
        f"@hookimpl\ndef kzoo_losses(of=None): {HOOK}",
        f"@hookimpl\n@functools.wraps(len)\ndef kzoo_losses(): {HOOK}",
        f"@hookimpl\n@staticmethod\ndef kzoo_losses(): {HOOK}",
        f"class Mine:\n  @hookimpl\n  def kzoo_losses(self): {HOOK}\nkzoo_losses = Mine().kzoo_losses",
        "@hookimpl(wrapper=True)\ndef kzoo_losses():\n  yield\n  return [[LossSpec(name='odd', target='os:path')]]",
        f"@hookimpl\ndef kzoo_losses(): {HOOK}\n@functools.cache\ndef other(): 1 / 0\nother.kzoo_impl = None",
        f"@hookimpl\ndef kzoo_losses(): {HOOK}\n@hookimpl(optionalhook=True)\ndef kzoo_of_tomorrow(): 1 / 0",
    ],
    ids=["other name", "default", "wraps", "static", "method", "wrapper", "cached", "optional"],
)
def test_a_hook_of_a_rare_form_is_what_pluggy_takes_it_for(hooks, odd):
    problems, [spec] = odd(f"import functools\nfrom kzoo.plugin import *\n{hooks}")
    assert (problems, spec.name) == ([], "odd")


@pytest.mark.parametrize("first", ["False", "True"])
def test_a_forgotten_return_is_said(first, odd):
    [problem], _ = odd(f"from kzoo.plugin import *\n@hookimpl(tryfirst={first})\ndef kzoo_losses(): ...")
    assert problem == "skipped kzoo-odd 0.2 (call): `kzoo_losses` must return a list of specs, not None"


def test_what_a_module_does_not_tell_of_is_no_hook(odd):
    [problem], specs = odd(f"{PLAIN}\ndef __dir__(): return ['nothing']")
    assert problem.startswith("skipped kzoo-odd 0.2 (hooks): `kzoo_odd` implements no hook")
    assert specs == []


@pytest.mark.parametrize(
    ("unbuffered", "words"), [("1", ["low", "high", "under", "child"]), ("", ["low", "high", "child", "under"])]
)
def test_results_are_alone_on_stdout(odd, tmp_path, unbuffered, words):
    """The descriptor itself is written to, by the module, a child of it and a target: nothing of it is in the JSON."""
    noise = """import os, sys
os.write(1, b'low\\n'); print('high'); sys.__stdout__.write('under\\n'); os.system('echo child')
"""
    odd(noise + PLAIN)
    script = (
        "import sys; from kzoo.plugins.registry import get_registry; from kzoo.plugins.targets import load_target\n"
        "from kzoo.cli import main; code = main(['list-losses', '--json', '--search', 'odd'])\n"
        "sys.modules.pop('kzoo_odd'); entry = get_registry().loss('odd')\n"
        "load_target(entry, variant='kzoo_odd:kzoo_losses'); sys.exit(code)"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONUNBUFFERED": unbuffered}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert [row["name"] for row in json.loads(done.stdout)] == ["odd"]
    assert done.stderr.split() == words * 2


def test_the_list_of_plugins_says_that_one_is_used_all_the_same(odd, kzoo):
    odd("import os\nos.environ['KZOO_ODD'] = '1'\n" + PLAIN)
    sys.modules.pop("kzoo_odd")
    from kzoo.plugins.registry import set_plugin_choice

    set_plugin_choice(None)
    code, out, _ = kzoo("list-plugins", "--search", "kzoo-odd", "--json")
    [row] = json.loads(out)
    assert (code, row["publishes"]) == (0, {"loss": 1})
    assert row["status"].startswith("ok, but (surroundings) it changed the environment (KZOO_ODD)")


def test_the_installed_ones_are_what_they_were(odd):
    before = [point.name for point in installed()[0]]
    odd(PLAIN)
    assert [point.name for point in installed()[0] if point.name != "odd"] == before
