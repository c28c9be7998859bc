"""Print how far each component is from its independent reference: the worst relative difference of value and gradient.

    python benchmarks/agreement.py

A difference is the largest one of an array, relative to the largest number that the reference gives there.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from agreement.collect import cases_of
from agreement.measure import measure

KINDS = ("loss", "metric", "optimizer", "schedule", "regularizer")


def main():
    """Print the table and return 1 where a component is further away than its cases allow."""
    print(f"{'kind':<12}{'component':<30}{'cases':>6}{'value':>10}{'gradient':>10}  reference")
    failed, total = [], 0
    for kind in KINDS:
        for name, cases in sorted(cases_of(kind).items()):
            found = [measure(case) for case in cases]
            gradients = [d.gradient for d in found if d.gradient is not None]
            gradient = f"{max(gradients):.1e}" if gradients else "-"
            references = "; ".join(dict.fromkeys(case.reference for case in cases))
            value = max(d.value for d in found)
            print(f"{kind:<12}{name:<30}{len(cases):>6}{value:>10.1e}{gradient:>10}  {references}")
            for reason in dict.fromkeys(case.reason for case in cases if case.reason):
                print(f"{'':<12}  wider than 1e-5: {reason}")
            failed += [str(c) for c, d in zip(cases, found, strict=True) if d.worst > c.tolerance]
            total += len(cases)
    print(f"\n{total} cases; {len(failed)} further away than allowed")
    for case in failed:
        print(f"  {case}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
