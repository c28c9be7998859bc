"""Print how far each component is from its independent reference: the worst relative difference of value and gradient.

    python benchmarks/agreement.py
    python benchmarks/agreement.py --json website/data/agreement.json    and write them for the site

A difference is the largest one of an array, relative to the largest number that the reference gives there.
"""

from __future__ import annotations

import importlib.metadata
import json
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from agreement.collect import cases_of
from agreement.measure import measure

KINDS = ("loss", "metric", "optimizer", "schedule", "regularizer")


def main():
    """Print the table and return 1 where a component is further away than its cases allow."""
    print(f"{'kind':<12}{'component':<30}{'cases':>6}{'value':>10}{'gradient':>10}  reference")
    failed, total, components = [], 0, {}
    for kind in KINDS:
        for name, cases in sorted(cases_of(kind).items()):
            found = [measure(case) for case in cases]
            gradients = [d.gradient for d in found if d.gradient is not None]
            gradient = f"{max(gradients):.1e}" if gradients else "-"
            references = Counter(case.reference for case in cases)
            value = max(d.value for d in found)
            reasons = list(dict.fromkeys(case.reason for case in cases if case.reason))
            components[f"{kind} {name}"] = {
                "cases": len(cases),
                "value": _short(value),
                "gradient": _short(max(gradients)) if gradients else None,
                "references": dict(references),
                "reasons": reasons,
            }
            print(f"{kind:<12}{name:<30}{len(cases):>6}{value:>10.1e}{gradient:>10}  {'; '.join(references)}")
            for reason in reasons:
                print(f"{'':<12}  wider than 1e-5: {reason}")
            failed += [str(c) for c, d in zip(cases, found, strict=True) if d.worst > c.tolerance]
            total += len(cases)
    print(f"\n{total} cases; {len(failed)} further away than allowed")
    for case in failed:
        print(f"  {case}")
    if "--json" in sys.argv:
        versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("kzoo", "keras", "tensorflow"))
        text = json.dumps({"measured_with": versions, "components": components}, indent=1, ensure_ascii=False)
        Path(sys.argv[sys.argv.index("--json") + 1]).write_text(text + "\n", "utf-8")
    return 1 if failed else 0


def _short(number):
    """Return a number with two digits, so that the file changes where something did."""
    return float(f"{number:.1e}")


if __name__ == "__main__":
    sys.exit(main())
