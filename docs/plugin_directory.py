"""Check the plugins of the directory, each in an environment of its own, and write what came of it.

The workflow `plugins` calls it once for each plugin on a machine of its own, since a plugin is code of strangers, and
then once to gather the results into `docs/plugin_directory.json` and the page `docs/plugin-directory.md`.

    python docs/plugin_directory.py list
    python docs/plugin_directory.py check kzoo-my-loss --output results/kzoo-my-loss.json
    python docs/plugin_directory.py gather results/
"""  # noqa: INP001 - a script

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import re
import subprocess
import sys
import sysconfig
import tempfile
import venv
from pathlib import Path
from typing import TYPE_CHECKING, Any

import kzoo
from kzoo.plugins.directory import Listed, directory

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

DOCS = Path(__file__).parent
RESULTS, PAGE = DOCS / "plugin_directory.json", DOCS / "plugin-directory.md"
LIMIT_S = 3600
RESULT_WORDS = ("passed", "failed", "not installed", "not finished")
_LONGEST = 500
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT", "PIP_INDEX_URL", "PIP_CACHE_DIR", "SSL_CERT_FILE")


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line asks for; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--directory", type=Path, help="another directory than kzoo's own")
    asked = parser.add_subparsers(dest="command", required=True)
    asked.add_parser("list", help="write the names as JSON")
    check = asked.add_parser("check", help="check one plugin in a fresh environment")
    check.add_argument("name")
    check.add_argument("--output", type=Path, required=True)
    gather = asked.add_parser("gather", help="put results together and write the page")
    gather.add_argument(
        "folder", type=Path, nargs="?", help="where the results lie; without it the page alone is written"
    )
    given = parser.parse_args(arguments)
    listed = directory(given.directory)
    if given.command == "list":
        sys.stdout.write(json.dumps([one.distribution for one in listed]) + "\n")
    elif given.command == "check":
        one = next((one for one in listed if one.distribution == given.name), None)
        if one is None:
            parser.error(f"{given.name} is not in the directory")
        result = checked(one, install=installed)
        given.output.parent.mkdir(parents=True, exist_ok=True)
        given.output.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
        sys.stdout.write(f"{one.distribution} {result['version']}: {result['result']} {result['says']}".rstrip() + "\n")
    else:
        results = gathered(listed, known(RESULTS), given.folder)
        RESULTS.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
        PAGE.write_text(page(listed, results), encoding="utf-8")
    return 0


def checked(one: Listed, *, install: Callable[[Path, str], str], only: Sequence[str] = ()) -> dict[str, Any]:
    """Return what came of installing a plugin into a fresh environment and of `kzoo check-plugin`.

    Args:
        one: The plugin.
        install: Puts kzoo and a distribution into the environment of an interpreter; returns why it could not, or an
            empty text.
        only: The checks to make; by default all.
    """
    told = {
        "distribution": one.distribution,
        "version": "",
        "kzoo": kzoo.__version__,
        "python": ".".join(map(str, sys.version_info[:3])),
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "counts": {},
    }
    with tempfile.TemporaryDirectory(prefix="kzoo-directory-") as folder:
        python = fresh(Path(folder))
        if fault := install(python, one.distribution):
            return {**told, "result": "not installed", "says": fault}
        told["version"] = version_in(python, one.distribution)
        command = [python, "-P", "-m", "kzoo", "check-plugin", one.distribution, "--json"]
        command += [word for check in only for word in ("--only", check)]
        try:
            done = run(command, Path(folder))
        except subprocess.TimeoutExpired:
            return {**told, "result": "not finished", "says": f"kzoo check-plugin took more than {LIMIT_S} s"}
    try:
        told["counts"] = {name: int(count) for name, count in json.loads(done.stdout)["counts"].items()}
    except (ValueError, KeyError, TypeError):
        return {**told, "result": "failed", "says": last_line(done.stderr)}
    return {**told, "result": "failed" if done.returncode else "passed", "says": last_line(done.stderr)}


def fresh(folder: Path) -> Path:
    """Make an environment and return its interpreter."""
    place = folder / "environment"
    venv.EnvBuilder(with_pip=False, symlinks=os.name != "nt").create(place)
    scripts = sysconfig.get_path("scripts", "venv", {"base": str(place), "platbase": str(place)})
    return Path(scripts) / ("python.exe" if os.name == "nt" else "python")


def installed(python: Path, distribution: str) -> str:
    """Put the kzoo of this checkout and a distribution from PyPI into an environment; return why that failed."""
    command = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", DOCS.parent, distribution]
    done = run(command, python.parent)
    return last_line(done.stderr) or "pip failed" if done.returncode else ""


def version_in(python: Path, distribution: str) -> str:
    """Return the version of a distribution in an environment."""
    script = "import importlib.metadata, sys; print(importlib.metadata.version(sys.argv[1]))"
    return run([python, "-P", "-c", script, distribution], python.parent).stdout.strip()


def run(command: Sequence[Any], home: Path) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, with nothing of this process's environment that a plugin has no business with."""
    kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return subprocess.run(  # noqa: S603
        [*map(str, command)],
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        cwd=home,
        env={**kept, "HOME": str(home), "USERPROFILE": str(home), "KZOO_DATA": str(home / "data"), "PYTHONUTF8": "1"},
        timeout=LIMIT_S,
        check=False,
    )


def last_line(text: str) -> str:
    """Return the last line of what was said, without control characters."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return re.sub(r"[^\x20-\x7e]", "?", lines[-1])[:_LONGEST] if lines else ""


def known(path: Path) -> list[dict[str, Any]]:
    """Return the results that there are."""
    found = json.loads(path.read_text("utf-8")) if path.exists() else []
    return [valid(one) for one in found]


def valid(result: Any) -> dict[str, Any]:
    """Return a result; raise `ValueError` where it is none: it comes from a machine on which a stranger's code ran."""
    texts = ("distribution", "version", "kzoo", "python", "date", "result", "says")
    good = isinstance(result, dict) and set(result) == {*texts, "counts"}
    good = good and all(isinstance(result[name], str) and len(result[name]) <= _LONGEST for name in texts)
    good = good and isinstance(result["counts"], dict) and result["result"] in RESULT_WORDS
    good = good and all(re.fullmatch(r"\w{1,40}", name) and type(n) is int for name, n in result["counts"].items())
    if not good:
        message = f"this is no result of a check: {str(result)[:_LONGEST]}"
        raise ValueError(message)
    return dict(result)


def gathered(listed: Sequence[Listed], before: Sequence[dict[str, Any]], folder: Path | None) -> list[dict[str, Any]]:
    """Return the newest result of each plugin of the directory, in its order."""
    results = {one["distribution"]: one for one in before}
    for one in listed:
        path = folder / f"{one.distribution}.json" if folder else None
        if path and path.exists():
            result = valid(json.loads(path.read_text("utf-8")))
            if result["distribution"] != one.distribution:
                message = f"{path} is the result of {result['distribution']}"
                raise ValueError(message)
            results[one.distribution] = result
    return [results[one.distribution] for one in listed if one.distribution in results]


def page(listed: Sequence[Listed], results: Sequence[dict[str, Any]]) -> str:
    """Return the page of the directory."""
    found = {one["distribution"]: one for one in results}
    rows = [_row(one, found.get(one.distribution)) for one in listed]
    table = ["| plugin | publishes | what it does | version | result | checked |", "|---|---|---|---|---|---|", *rows]
    return "\n".join(
        [
            "# Plugin directory",
            "",
            "<!-- written by docs/plugin_directory.py -->",
            "",
            "Plugins that others have published, as `kzoo list-plugins --available` shows them. `kzoo install NAME`",
            "puts one beside kzoo; [sharing](sharing.md#plugins) says what that does. Once a week each is installed",
            "from PyPI in a fresh environment, and `kzoo check-plugin` says what is wrong with it.",
            "",
            *(table if rows else ["There is none yet."]),
            "",
            "To add yours: [the directory of plugins](../CONTRIBUTING.md#the-directory-of-plugins).",
            "",
        ]
    )


def _row(one: Listed, result: dict[str, Any] | None) -> str:
    cells = [f"[{one.distribution}]({one.home})", ", ".join(one.kinds), one.summary]
    if result is None:
        cells += ["", "not checked yet", ""]
    else:
        counts = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in result["counts"].items() if count)
        says = f"{result['result']} ({counts})" if counts else result["result"]
        cells += [result["version"], says, f"{result['date']}, kzoo {result['kzoo']}"]
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


if __name__ == "__main__":
    sys.exit(main())
