"""``kzoo demo``: a model tried out in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kzoo.cli import completion, offers, options, output
from kzoo.cli.flags import settings_of
from kzoo.cli.options import names_of_options
from kzoo.errors import UsageError

if TYPE_CHECKING:
    from kzoo.demo.showing import Shown
    from kzoo.inference.predicting import Predicting

__all__ = ["demo"]

_MORE = "Settings of the pipeline's reader; `kzoo demo PIPELINE --help` shows them."


def demo(
    context: typer.Context,
    model: Annotated[
        str,
        typer.Argument(
            metavar="RUN|MODEL|PIPELINE",
            help="A run (folder, name or `last`), a .keras or .onnx file, or a pipeline: its newest run.",
            autocompletion=completion.complete_model,
        ),
    ],
    more: Annotated[
        list[str] | None,
        typer.Argument(metavar="[--KEY VALUE]...", help=_MORE, autocompletion=completion.complete_flag_value),
    ] = None,
    *,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="Where the page is on this computer; 0 for any free one.")
    ] = 7860,
    host: Annotated[
        str, typer.Option("--host", metavar="ADDRESS", help="The address to listen at; by itself this computer alone.")
    ] = "127.0.0.1",
    examples: Annotated[
        Path | None, typer.Option("--examples", metavar="FOLDER", help="Pictures that the page offers.")
    ] = None,
    show: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    settings: options.ReaderSettings = None,
    engine: options.EngineOption = "",
    out: Annotated[Path, typer.Option("--out", help="The folder that runs are in.")] = Path("runs"),
) -> None:
    """Try a model out in a browser: pictures, the camera, rows.

    The page is for this computer alone, and asks nothing of any other. Ctrl-C ends it.
    """
    from kzoo.demo.asked import find_shown
    from kzoo.demo.page import gradio
    from kzoo.demo.server import address_of, bound, serve
    from kzoo.demo.showing import Shown
    from kzoo.runs.config import layer_from_options

    if model.startswith("-"):
        message = f"Name the run, the model or the pipeline before `{model}`: kzoo demo RUN {model}."
        raise UsageError(message)
    asked, said = find_shown(model, out, engine)
    if said:
        output.say(said)
    cautions = _cautions(asked)
    words, given = settings_of(
        more or (), asked.pipeline.reader_settings, whose="this pipeline's reader", own=names_of_options(context)
    )
    if words:
        message = f"`kzoo demo` shows one model, and takes no `{words[0]}`: pictures are given on the page."
        raise UsageError(message)
    shown = Shown(asked, {**layer_from_options(settings or ()), **given}, _pictures(examples))
    for sentence in shown.left_out:
        output.warn(sentence)
    gradio()  # where it is missing, that is said before a network is loaded
    listening = bound(host, port)
    _load(shown)
    anywhere = host not in ("127.0.0.1", "localhost", "::1")
    if anywhere:
        output.warn(
            f"Whoever reaches {host} can use this page, and cameras work there over https alone. Without --host it is "
            "for this computer."
        )
    output.show(address_of(listening), flush=True)
    output.say("Open this address in a browser; Ctrl-C ends it.")
    if show:
        import webbrowser

        webbrowser.open(address_of(listening))
    serve(shown, listening, cautions, anywhere=anywhere)


def _cautions(asked: Predicting) -> list[str]:
    """Return what is to be known of a model, after saying it here too; the page has it as well."""
    if asked.saved is None:
        return []
    warned = [*filter(None, (asked.saved.caution(), asked.saved.changed()))]
    for one in warned:
        output.warn(one)
    told = asked.saved.sample_only()
    if told:
        output.say(told)
    return [*warned, *filter(None, [told])]


def _pictures(folder: Path | None) -> list[Path]:
    from kzoo.data.images import expand

    return [] if folder is None else expand(folder)


def _load(shown: Shown) -> None:
    """Load the model; a network that is downloaded is shown while it comes."""
    import contextlib

    from kzoo.cli.transfers import TransferLine
    from kzoo.data.download import showing

    with contextlib.closing(TransferLine()) as line, showing(line):
        shown.load()


demo.context_settings = {"ignore_unknown_options": True}  # type: ignore[attr-defined] # the pipeline's settings
demo.offers = offers.of_demo  # type: ignore[attr-defined]
