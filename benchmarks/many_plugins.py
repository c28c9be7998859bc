"""What installed plugins add to `kzoo list-losses`: the CPU time with many of them, as a ratio of that with none.

Synthetic distributions, each with an entry point and a light module of specs, are written to a temporary folder and
put on the path. The command runs in turn without and with them (A B A B ...), in the same environment, and medians of
user plus system time are compared. A further process shows that neither imports anything heavy.

    python benchmarks/many_plugins.py [--distributions 50] [--losses 20] [--repeats 15] [--limit 1.5]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HEAVY = ("jax", "keras", "matplotlib", "numpy", "tensorflow", "torch")

KZOO = "import sys; from kzoo.cli import main; sys.exit(main(['list-losses', *sys.argv[1:]]))"

MODULES = f"""
import sys
from kzoo.cli import main
assert main(["list-losses"]) == 0
print(*(name for name in {HEAVY} if name in sys.modules), file=sys.stderr)
"""

PLUGIN = '''\
"""What this distribution publishes."""

from __future__ import annotations

from kzoo.plugin import LossSpec, hookimpl

__all__ = ["kzoo_losses"]


@hookimpl
def kzoo_losses() -> list[LossSpec]:
    """Return the losses of this distribution."""
    return [
{specs}
    ]
'''

SPEC = """\
        LossSpec(
            name="synthetic_{at}_{number}",
            target="{package}.losses:Synthetic{number}",
            summary="Loss {number} of distribution {at}, which stands for one that somebody wrote.",
            aliases=("syn_{at}_{number}",),
            tasks={{"classification", "ordinal", "regression"}},
            targets={{"dense"}},
            example={{"tolerance": 0.05}},
            reference="Nobody 2024, https://example.org/{at}/{number}",
        ),"""

README = "A paragraph of a README, which every distribution's metadata holds in full.\n" * 60


def write_distributions(folder: Path, distributions: int, losses: int) -> None:
    """Write what an installer would have written for so many plugins."""
    for at in range(distributions):
        package = f"kzoo_synthetic_{at}"
        (folder / package).mkdir()
        specs = "\n".join(SPEC.format(at=at, number=number, package=package) for number in range(losses))
        (folder / package / "__init__.py").write_text('"""A synthetic plugin."""\n')
        (folder / package / "plugin.py").write_text(PLUGIN.format(specs=specs))
        info = folder / f"{package}-0.1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.4\nName: {package}\nVersion: 0.1.0\n\n{README}")
        (info / "entry_points.txt").write_text(f"[kzoo]\nsynthetic = {package}.plugin\n")


def environment(folder: Path | None) -> dict[str, str]:
    """Return this process's environment, with a folder on the path of its children or without one."""
    found = {name: value for name, value in os.environ.items() if name not in ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH")}
    return {**found, "PYTHONPATH": str(folder)} if folder else found


def cpu_ms(folder: Path | None) -> float:
    """Return the user plus system time of one listing in milliseconds; a failure of it ends the benchmark."""
    process = subprocess.Popen([sys.executable, "-c", KZOO], stdout=subprocess.DEVNULL, env=environment(folder))
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        message = f"the command ended with {process.returncode}"
        raise SystemExit(message)
    return (usage.ru_utime + usage.ru_stime) * 1000


def listed(folder: Path | None) -> int:
    """Return how many losses the command lists."""
    done = subprocess.run(
        [sys.executable, "-c", KZOO, "--json"], env=environment(folder), capture_output=True, text=True, check=True
    )
    return len(json.loads(done.stdout))


def heavy_modules(folder: Path | None) -> str:
    """Return the names of the heavy modules that the command imports; it should be none."""
    done = subprocess.run(
        [sys.executable, "-c", MODULES], env=environment(folder), capture_output=True, text=True, check=True
    )
    return done.stderr.strip()


def main() -> int:
    """Measure, print the figures, and return 1 if the ratio is above the limit or anything heavy is imported."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--distributions", type=int, default=50)
    parser.add_argument("--losses", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--limit", type=float, default=1.5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_distributions(folder, options.distributions, options.losses)
        cases = (None, folder)
        counts = [listed(case) for case in cases]  # writes the bytecode caches, too
        if counts[1] - counts[0] != options.distributions * options.losses:
            message = f"{counts[1]} losses are listed with the plugins and {counts[0]} without"
            raise SystemExit(message)
        heavy = " ".join(filter(None, map(heavy_modules, cases)))
        times: tuple[list[float], list[float]] = ([], [])
        for _ in range(options.repeats):
            for case, found in zip(cases, times, strict=True):
                found.append(cpu_ms(case))
    without, within = map(statistics.median, times)
    print(f"{'plugins':>8} {'losses':>7} {'median ms':>10} {'min ms':>7}")
    print(f"{0:8} {counts[0]:7} {without:10.1f} {min(times[0]):7.1f}")
    print(f"{options.distributions:8} {counts[1]:7} {within:10.1f} {min(times[1]):7.1f}")
    print(f"ratio {within / without:.2f}, limit {options.limit}; heavy modules imported: {heavy or 'none'}")
    return int(within / without > options.limit or bool(heavy))


if __name__ == "__main__":
    sys.exit(main())
