"""Draw docs/images/run.svg, which the README begins with: a terminal after real commands.

    python -m website.terminal

The commands run in a terminal of their own, and what they leave on it is drawn by rich, in letters of the reader's
system.
"""

from __future__ import annotations

import io
import os
import re
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

from website.places import ROOT

COMMANDS = ("kzoo run mnist --recipe quick --loss focal:gamma=2 --metric mcc",)
COLUMNS = 100
PICTURE = ROOT / "docs" / "images" / "run.svg"

# rich's own form asks another server for its font.
_FONT = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
_FAMILY = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"


def seen(command: str, folder: Path) -> str:
    """Return what a command leaves on a terminal, with the codes of its colours."""
    import fcntl
    import pty
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, COLUMNS, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(COLUMNS), "KZOO_DATA": str(folder / "cache")}
    environment.pop("NO_COLOR", None)
    process = subprocess.Popen(
        command, shell=True, cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    text = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        text += part
    if process.wait():
        message = f"{command} failed:\n{text.decode()}"
        raise RuntimeError(message)
    return text.decode()


def left(text: str) -> str:
    """Return what stays on a terminal of what was written: of a line that was written anew, its last form."""
    lines, row, home = [""], 0, False
    for part in re.split(r"(\r|\n|\x1b\[\d*A|\x1b\[2?K|\x1b\[\?\d+[hl])", text):
        if part == "\n":
            row, home = row + 1, False
            lines += [""] * (row + 1 - len(lines))
        elif part == "\r":
            home = True
        elif part.endswith("A") and part.startswith("\x1b"):
            row = max(0, row - int(part[2:-1] or 1))
        elif part in ("\x1b[2K", "\x1b[K"):
            lines[row] = ""
        elif part and not part.startswith("\x1b[?"):
            lines[row] = part if home else lines[row] + part
            home = False
    return "\n".join(line for line in lines if line)


def draw(parts: list[tuple[str, str]]) -> str:
    """Return a picture of a terminal with commands and what they left."""
    from rich.console import Console
    from rich.terminal_theme import MONOKAI
    from rich.text import Text

    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    for command, text in parts:
        console.print(Text.assemble(("$ ", "bold green"), (command, "bold")))
        console.print(Text.from_ansi(text))
    picture = console.export_svg(title="kzoo", theme=MONOKAI, unique_id="kzoo-run")
    picture = _FONT.sub("", picture).replace("Fira Code, monospace", _FAMILY).replace("Fira Code", _FAMILY)
    return re.sub(r"(?m)[ \t]+$", "", picture)


def main() -> int:
    """Run the commands and write the picture."""
    with tempfile.TemporaryDirectory() as folder:
        parts = [(command, left(seen(command, Path(folder)))) for command in COMMANDS]
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    PICTURE.write_text(draw(parts), "utf-8")
    print(f"{PICTURE.relative_to(ROOT)}: {PICTURE.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
