"""The page itself: a component of gradio's whose code runs in the browser, and what it asks of the server."""

from __future__ import annotations

import importlib.resources
import os
from typing import TYPE_CHECKING, Any

from kzoo.errors import KzooError, words_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from kzoo.demo.showing import Shown

__all__ = ["build", "gradio", "theme"]

_SILENT = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
}
"""What keeps gradio, and what it imports, from asking other machines anything; read when they are imported."""

_FONTS = ("system-ui", "sans-serif")
_FIXED = ("ui-monospace", "monospace")


def gradio(folder: Path | None = None) -> Any:
    """Import gradio, silent, and return it.

    Args:
        folder: Where it puts its files.

    Raises:
        KzooError: It is not installed.
    """
    os.environ.update(_SILENT)
    if folder is not None:
        os.environ["GRADIO_TEMP_DIR"] = str(folder)
    try:
        import gradio
    except ImportError as error:
        message = (
            f"The demo is a page of gradio, which cannot be imported: {words_of(error)}. Install it with "
            '`pip install "kzoo[demo]"`.'
        )
        raise KzooError(message) from error
    return gradio


def build(shown: Shown, cautions: Sequence[str] = ()) -> Any:
    """Return the page of a model as `gradio.Blocks`.

    Args:
        shown: The model.
        cautions: What a user should know before it is believed.
    """
    gr = gradio()
    name = shown.asked.pipeline.name
    with gr.Blocks(title=f"kzoo demo: {name}", analytics_enabled=False, fill_width=False) as blocks:
        page = gr.HTML(
            html_template=_file("page.html"),
            css_template=_file("page.css"),
            js_on_load=_file("page.js"),
            apply_default_css=False,
            server_functions=_functions(shown),
            padding=False,
            **_props(shown, cautions),
        )
        # The page's code names its session with what it sends; gradio tells when that has ended.
        session = _with_request(gr, lambda request: request.session_hash)
        blocks.load(session, outputs=page, api_visibility="private", show_progress="hidden", queue=False)
        blocks.unload(_with_request(gr, lambda request: shown.leave(request.session_hash)))
    return blocks


def theme() -> Any:
    """Return gradio's usual looks with the system's own letters: no font is loaded from anywhere."""
    return gradio().themes.Default(font=list(_FONTS), font_mono=list(_FIXED))


def _props(shown: Shown, cautions: Sequence[str]) -> dict[str, Any]:
    """Return what the page is told of the model; its code reads it, nothing of it is HTML."""
    saved = shown.asked.saved
    run = saved.run.name if saved and saved.run else ""
    return {
        "pipeline": shown.asked.pipeline.name,
        "model": run or (str(saved.path) if saved else "without a trained model"),
        "cautions": list(cautions),
        "fields": [
            {"name": one.name, "choices": list(one.choices), "default": one.default, "words": one.words}
            for one in shown.fields
        ],
        "examples": shown.thumbnails(),
    }


def _functions(shown: Shown) -> list[Any]:
    """Return what the page may call; gradio takes their names from the functions."""

    def frame(sent: Any) -> dict[str, Any]:
        return shown.frame(sent)

    def closed(sent: Any) -> dict[str, Any]:
        return shown.closed(sent)

    def picture(sent: Any) -> dict[str, Any]:
        return shown.picture(sent)

    def example(sent: Any) -> dict[str, Any]:
        return shown.example(sent)

    def row(sent: Any) -> dict[str, Any]:
        return shown.row(sent)

    return [row] if shown.fields else [frame, closed, picture, example]


def _with_request(gr: Any, function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a function whose argument gradio fills with the request: it looks at the argument's type."""

    def called(request: Any) -> Any:
        return function(request)

    called.__annotations__["request"] = gr.Request
    return called


def _file(name: str) -> str:
    return importlib.resources.files("kzoo.demo").joinpath("browser", name).read_text("utf-8")
