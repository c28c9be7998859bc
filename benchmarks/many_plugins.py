"""What installed plugins add to `kzoo list-losses`: the CPU time with many of them, as a ratio of that with none.

Synthetic distributions, each with an entry point and a light module of specs, are written to a temporary folder and
put on the path. The command runs in turn without and with them (A B A B ...), in the same environment, and user plus
system time is compared. A further process shows that neither imports anything heavy. Asked for: at most 1.5 times.

    python -m benchmarks plugins [--distributions 200] [--losses 20] [--repeats 15] [--limit 1.5]
"""

from __future__ import annotations

import json
import sys
import sysconfig
import tempfile
from pathlib import Path

from measuring import Ended, ended, in_turns, parser_of, rows_of
from results import Report

HEAVY = ("jax", "keras", "matplotlib", "numpy", "tensorflow", "torch")

KZOO = "import sys; from kzoo.cli import main; sys.exit(main(['list-losses', *sys.argv[1:]]))"

MODULES = f"""
import sys
from kzoo.cli import main
assert main(["list-losses"]) == 0
print(*(name for name in {HEAVY} if name in sys.modules))
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


def write_installed(folder: Path) -> None:
    """Make a folder of links to all that is installed: plugins lie beside kzoo, as an installer puts them."""
    folder.mkdir()
    for path in Path(sysconfig.get_path("purelib")).iterdir():
        if path.suffix != ".pth" and path.name != "__pycache__":
            (folder / path.name).symlink_to(path)


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


def command(folder: Path, *words: str, code: str = KZOO) -> Ended:
    """Run a listing with a folder first on the path of its process."""
    return ended([sys.executable, "-c", code, *words], PYTHONPATH=folder)


def main() -> int:
    """Measure, print the figures, and return 1 if the ratio is above the limit or anything heavy is imported."""
    parser = parser_of(__doc__)
    parser.add_argument("--distributions", type=int, default=50)
    parser.add_argument("--losses", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--limit", type=float, default=1.5)
    asked = parser.parse_args()
    report = Report("plugins", asked)
    with tempfile.TemporaryDirectory() as name:
        cases = {"without plugins": Path(name) / "without", f"with {asked.distributions}": Path(name) / "with"}
        for folder in cases.values():
            write_installed(folder)
        write_distributions(folder, asked.distributions, asked.losses)
        # Listing them all writes the bytecode caches, too.
        counts = [len(json.loads(command(case, "--json").out)) for case in cases.values()]
        if counts[1] - counts[0] != asked.distributions * asked.losses:
            message = f"{counts[1]} losses are listed with the plugins and {counts[0]} without"
            raise SystemExit(message)
        heavy = " ".join(command(case, code=MODULES).out.splitlines()[-1] for case in cases.values()).strip()
        found = in_turns(
            {case: lambda f=where: command(f).cpu * 1000 for case, where in cases.items()}, asked.repeats, quiet=True
        )
    rows = rows_of(found, unit="CPU-ms", more_is_better=False)
    report.table("plugins", "processor time of `kzoo list-losses`", rows)
    report.note(f"{counts[0]:,} losses are listed without and {counts[1]:,} with them; heavy modules imported: "
                f"{heavy or 'none'}.")  # fmt: skip
    held = report.limit(
        f"CPU time with {asked.distributions} plugins, of that with none", rows[1]["ratio"], most=asked.limit
    )
    report.keep()
    return int(not held or bool(heavy))


if __name__ == "__main__":
    sys.exit(main())
