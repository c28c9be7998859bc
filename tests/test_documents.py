"""Every command that the documents show could be typed: its name, options, arguments and settings exist."""

import re
import shlex
from pathlib import Path

import pytest

from kzoo.cli import options
from kzoo.cli.app import build
from kzoo.cli.flags import options_of, parted, settings_of
from kzoo.comparing.grid import Asked, grid_of
from kzoo.errors import UsageError
from kzoo.models.saved import find_pipeline
from kzoo.plugins.registry import get_registry
from kzoo.runs.choices import build_settings, check_data_settings
from kzoo.runs.configure import configure
from kzoo.settings import read_settings
from kzoo.tasks import task_named
from kzoo.tuning.plan import Asked as AskedToTune
from kzoo.tuning.plan import plan_of

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md"))]
NOT_INSTALLED = {"make-tea", "kzoo-tea:make-tea", "count-textures", "textures", "NAME"}
"""What pages take as examples of commands and pipelines of others."""
FENCED = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)


def shown(page):
    """Return the command lines in the blocks of a page, and those in its sentences, which may be cut short."""
    text = page.read_text(encoding="utf-8")
    blocks = [
        (kind, re.sub(r"\\\n\s*", " ", block)) for kind, block in FENCED.findall(text) if kind in ("sh", "console")
    ]
    lines = [(kind, line) for kind, block in blocks for line in block.splitlines()]
    typed = [line.removeprefix("$ ") for kind, line in lines if kind == "sh" or line.startswith("$ ")]
    whole = [part for line in typed for part in line.split(" && ") if part.startswith("kzoo ")]
    return whole, re.findall(r"`kzoo ([^`]+)`", FENCED.sub("", text))


def fault(line, *, whole=True):
    """Return why a command line is refused, or an empty text; one that is cut short need not have all its arguments."""
    group, words = build(), options.hoist(shlex.split(line, comments=True))
    try:
        name, command, rest = group.resolve_command(group.make_context("kzoo", list(words)), words)
        if not whole:
            known = {"--help", *(option for parameter in command.params for option in parameter.opts)}
            return ", ".join({word for word in rest if word.startswith("-")} - known)
        given = command.make_context(f"kzoo {name}", rest).params
        CHECKS.get(name, lambda given: None)(given)
    except UsageError as error:
        return str(error)
    except Exception as error:
        if not hasattr(error, "format_message"):  # the class is private in some versions of typer
            raise
        return error.format_message()
    return ""


def check_run(given):
    words, flags = parted([*filter(None, [given["pipeline"]]), *(given["more"] or ())])
    if given["resume"]:  # the settings are those of the run
        words = words or ["mnist"]
    pipeline = get_registry().get("pipeline", words[0]).name if words else ""
    known = get_registry().get("pipeline", pipeline).spec.flags if words else {}
    own = options_of(flags, known, pipeline=pipeline, own=())
    options = given["option"] or ()
    config = configure(pipeline, recipe=given["recipe"], file=given["config"], options=options, own_flags=own)
    check_data_settings(config, find_pipeline(pipeline))
    build_settings(config, find_pipeline(pipeline))


def check_any(pipelines, function):
    """Raise the first error where a function raises one for every pipeline."""
    errors = []
    for name in pipelines:
        try:
            return function(name)
        except UsageError as error:
            errors.append(error)
    raise errors[0]


def check_predict(given):
    names = get_registry().names("pipeline")
    asked = [given["model"]] if given["model"] in names else names

    def settled(name):
        table = find_pipeline(name).reader_settings
        words, found = settings_of(given["source"], table, whose=name, own=())
        assert words
        read_settings(table, found)

    check_any(asked, settled)


def check_evaluate(given):
    _, flags = parted(given["more"] or ())
    files = {file for entry in get_registry().entries("pipeline") for file in task_named(entry.spec.task).files}
    options_of(flags, {file: file for file in files}, pipeline="a task", own=())


def check_capture(given):
    table = find_pipeline(given["pipeline"]).record_settings
    words, found = settings_of(given["source"], table, whose="", own=())
    assert len(words) == 1
    read_settings(table, found)


def check_compare(given):
    words, flags = parted(given["what"] or ())
    names = get_registry().names("pipeline")
    if not words or words[0] in names:
        known = get_registry().get("pipeline", words[0]).spec.flags if words else {}
        axes = {f"{name}es" if name == "loss" else f"{name}s": given[name] or () for name in AXES}
        own = options_of(flags, known, pipeline="", own=())
        common = {"recipe": given["recipe"], "file": given["config"]}
        grid_of(Asked(pipeline=words[0], options=given["option"] or (), own_flags=own, common=common, **axes))


def check_tune(given):
    words, flags = parted([*([given["pipeline"]] if given["pipeline"] else []), *(given["more"] or ())])
    known = get_registry().get("pipeline", words[0]).spec.flags if words else {}
    common = {"recipe": given["recipe"], "file": given["config"], "epochs": given["epochs"], "data": given["data"]}
    common |= {name: given[name] for name in AXES}
    asked = {name: given[name] for name in ("trials", "budget", "metric", "sampler", "pruner", "study", "seeds")}
    own = options_of(flags, known, pipeline="", own=())
    search, options = given["search"] or (), given["option"] or ()
    plan_of(AskedToTune(pipeline=words[0], search=search, options=options, own_flags=own, common=common, **asked))


AXES = ("loss", "optimizer", "regularizer")
CHECKS = {
    "run": check_run,
    "predict": check_predict,
    "evaluate": check_evaluate,
    "capture": check_capture,
    "compare": check_compare,
    "tune": check_tune,
}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_in_the_documents_can_be_typed(page):
    whole, sentences = shown(page)
    faults = {line: fault(line.removeprefix("kzoo ")) for line in whole}
    for line in sentences:
        name, *more = line.split()
        if name == "COMMAND" or name.startswith("-"):
            continue
        faults[line] = fault(line, whole=bool(more) and not more[-1].startswith("-"))
    assert {line: said for line, said in faults.items() if said and not NOT_INSTALLED & set(line.split())} == {}


def test_commands_are_found_in_the_documents():
    whole = [line for page in PAGES for line in shown(page)[0]]
    assert len(whole) > 50
    assert {line.split()[1] for line in whole} > {"run", "predict", "evaluate", "capture", "info"}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("predict last photo.jpg --save", "requires an argument"),
        ("rnu mnist", "rnu"),
        ("run", "Name a pipeline"),
        ("run mnst", "No pipeline named `mnst`"),
        ("run mnist --epoch 3", "no option `--epoch`"),
        ("run mnist --target y", "no option `--target`"),
        ("run regression --epochs many --data x.csv", "not a valid int"),
        ("run mnist -o model.depth=3 --seed 1", "no setting `model.depth`"),
        ("run yolov3 --fix mend", "`data.fix` must be stop, clip or skip"),
        ("run mnist --recipe slow", "no recipe `slow`"),
        ("predict last photo.jpg --metod classical", "no option `--metod`"),
        ("predict fingers 0 --method guess", "`method` must be network or classical"),
        ("predict fingers 0 --size 3", "no option `--size`"),
        ("predict last", "Missing argument"),
        ("evaluate last --coc results.json", "no option `--coc`"),
        ("evaluate last --coco", "needs a value"),
        ("capture fingers 0", "Missing option"),
        ("capture fingers 0 --label 3 --zoom 2", "no option `--zoom`"),
        ("compare mnist --loss emd", "only one way to train"),
        ("compare mnist --loss emd --loss em", "No loss named `em`"),
        ("tune mnist", "Name what to search"),
        ("tune mnist --search loss=emd,focl", "No loss named `focl`"),
        ("tune mnist --search train.epochs=1..9", "train.epochs=1..9:int"),
        ("tune mnist --search train.keep=last,best --sampler hill", "no sampler `hill`"),
        ("info", "Missing argument"),
        ("list-losses --nope", "No such option"),
    ],
)
def test_what_cannot_be_typed_is_found(line, words):
    assert words in fault(line)
