"""The command line: one module for each family of commands, imported when one of its commands is called."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that ``arguments``, or the process's own arguments, ask for, and return its exit code."""
    import sys

    alone = arguments is None
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if arguments == ["--version"] and sys.stdout is not None:  # needs no command line library
        from kzoo._version import __version__

        answer = f"kzoo {__version__}\n"
        buffer = getattr(sys.stdout, "buffer", None)
        below = getattr(buffer, "raw", buffer)  # what cannot be written is not left in a buffer, for others to fail on
        try:
            if below is None:
                sys.stdout.write(answer)
            else:
                sys.stdout.flush()
                below.write(answer.encode())
        except OSError:
            pass  # it is said below
        else:
            return 0
    from kzoo.cli.app import run
    from kzoo.engine.interrupt import as_ctrl_c

    with as_ctrl_c():
        code = run(arguments)
    if alone:
        import gc

        gc.disable()  # the process ends; Python's last search would go through all that TensorFlow has made
    return code
