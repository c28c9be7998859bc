"""What the installed plugins publish, told to another process: what was installed just now is seen in a new one."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from kzoo.errors import KzooError, in_short
from kzoo.plugins.discovery import PluginChoice
from kzoo.plugins.listed import plugin_rows
from kzoo.plugins.registry import get_registry, set_plugin_choice

__all__ = ["Roll", "call_roll", "main"]

_MARK = "kzoo's roll: "
_LIMIT_S = 120


@dataclass(frozen=True)
class Roll:
    """What the plugins of an environment are and publish.

    Attributes:
        plugins: A row for each entry point, as `kzoo.plugins.listed.plugin_rows` returns them.
        published: Kind, name and distribution of everything that is published.
    """

    plugins: list[dict[str, Any]]
    published: list[tuple[str, str, str]]

    def of(self, distribution: str) -> list[dict[str, Any]]:
        """Return the rows of one distribution."""
        return [row for row in self.plugins if row["distribution"] == distribution]

    def names_of(self, distribution: str) -> dict[str, list[str]]:
        """Return what one distribution publishes: names by kind."""
        found: dict[str, list[str]] = {}
        for kind, name, owner in self.published:
            if owner == distribution:
                found.setdefault(kind, []).append(name)
        return found

    def versions(self) -> dict[str, str]:
        """Return the version of each distribution that has an entry point."""
        return {row["distribution"]: row["version"] for row in self.plugins}


def call_roll(python: str = sys.executable) -> Roll:
    """Return the roll of an environment, as a process of its own sees it.

    Raises:
        KzooError: kzoo does not start there.
    """
    # -P: a file of the working folder must not stand for a module.
    command = [python, "-P", "-c", f"from {__name__} import main; main()"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=_LIMIT_S, check=False)  # noqa: S603
    line = next((one for one in done.stdout.splitlines() if one.startswith(_MARK)), "")
    if done.returncode or not line:
        last = (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
        message = f"kzoo does not list its plugins in {python}: {in_short(last)}. `kzoo doctor` says more."
        raise KzooError(message)
    told = json.loads(line.removeprefix(_MARK))
    return Roll(told["plugins"], [(kind, name, owner) for kind, name, owner in told["published"]])


def main() -> None:
    """Write the roll of this process to stdout, with all plugins in it."""
    set_plugin_choice(PluginChoice())
    registry = get_registry()
    from kzoo.plugin import KINDS

    published = [
        (kind, registry.shown_name(entry), entry.distribution) for kind in KINDS for entry in registry.entries(kind)
    ]
    text = json.dumps({"plugins": plugin_rows(), "published": published})
    sys.stdout.write(f"\n{_MARK}{text}\n")
