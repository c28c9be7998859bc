"""``kzoo check-plugin``: an installed distribution and each of its components, held to what they should do."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from kzoo.cli import completion, options, output

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from kzoo.plugins.registry import Entry
    from kzoo.testing.distribution import DistributionReport
    from kzoo.testing.report import Report

__all__ = ["check_plugin"]

_COLUMNS = {
    "kind": "kind",
    "name": "name",
    "passed": "passed",
    "expected": "expected failures",
    "skipped": "skipped",
    "failed": "failed",
}


def check_plugin(
    distribution: Annotated[
        str,
        typer.Argument(
            metavar="DISTRIBUTION",
            help="An installed distribution, as in kzoo-my-loss.",
            autocompletion=completion.complete_plugin,
        ),
    ],
    *,
    kind: Annotated[
        list[str] | None,
        typer.Option(
            "--kind",
            "-k",
            metavar="KIND",
            help="Only components of this kind. May be repeated.",
            autocompletion=completion.complete_published_kind,
        ),
    ] = None,
    component: Annotated[
        list[str] | None,
        typer.Option("--component", "-c", metavar="NAME", help="Only this component. May be repeated."),
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="CHECK", help="Only this check. May be repeated.")
    ] = None,
    json: options.JsonOption = False,
) -> int:
    """Check an installed plugin: its entry points, hooks, names and cost, and the conformance of each component.

    The exit code is 1 where a check failed or none ran.
    """
    from kzoo.plugins.registry import get_registry
    from kzoo.testing.distribution import (
        DistributionReport,
        check_components,
        check_listing,
        chosen,
        needs_components,
    )
    from kzoo.testing.publication import publication_of

    checks = tuple(name.replace("-", "_") for name in only or ())
    registry = get_registry()
    found = publication_of(distribution, registry)
    entries = chosen(found, tuple(kind or ()), tuple(component or ()))
    if needs_components(checks):  # all else goes without TensorFlow, which takes seconds to start
        from kzoo.engine import runtime

        if not options.debugging():  # the checks provoke errors, of which TensorFlow writes to stderr
            os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        runtime.start(debug=options.debugging())
    listing, milliseconds = check_listing(found, checks)
    reports = check_components(entries, checks, registry, tell=_tell(len(entries)))
    report = DistributionReport(found, listing, reports, milliseconds, narrowed=bool(checks))
    for note in found.notes:
        output.warn(note)
    if json:
        output.emit_json(report.to_dict())
    else:
        _show(report)
    return 0 if report.ok else 1


def _tell(total: int) -> Callable[[Entry], None] | None:
    """Return what says which component is being checked, for whoever sits in front of a terminal; else nothing."""
    if not sys.stderr.isatty():
        return None
    done = 0

    def tell(entry: Entry) -> None:
        nonlocal done
        done += 1
        output.say(f"checking the {entry.kind} {entry.name} ({done} of {total})")

    return tell


def _show(report: DistributionReport) -> None:
    rows = [
        {
            "kind": one.kind,
            "name": _short(one),
            "passed": len(one.passed),
            "expected": len(one.expected_failures),
            "skipped": len(one.skipped),
            "failed": len(one.failed),
        }
        for one in report.reports
        if one.outcomes
    ]
    output.emit(rows, _COLUMNS, as_json=False)
    for line in _details(report):
        output.show(output.paragraph(line, sys.stdout) if line else "")
    output.show()
    output.show(output.paragraph(_summary(report), sys.stdout))


def _details(report: DistributionReport) -> Iterator[str]:
    """Yield a line for every check that did not simply pass; those of one reason share a line."""
    skipped: dict[tuple[str, str], list[str]] = {}
    for one in report.reports:
        for check, reason in one.skipped.items():
            skipped.setdefault((check, reason), []).append(f"{one.kind} {_short(one)}")
    groups = [
        [f"skipped: {check} ({_few(whose)}): {reason}" for (check, reason), whose in skipped.items()],
        [line for one in report.reports for line in _lines("failed as expected", one, one.expected_failures)],
        [line for one in report.reports for line in _lines("failed", one, one.failed)],
    ]
    for group in groups:
        if group:
            yield ""
            yield from group


def _lines(label: str, report: Report, reasons: Mapping[str, str]) -> Iterator[str]:
    checks: dict[str, list[str]] = {}
    for check, reason in reasons.items():
        checks.setdefault(reason, []).append(check)
    for reason, names in checks.items():
        yield f"{label}: {report.kind} {_short(report)}, {_few(names)}: {reason}"


def _summary(report: DistributionReport) -> str:
    counts, found = report.counts, report.publication
    parts = [f"{counts['passed']} passed"]
    if counts["expected_failures"]:
        parts.append(f"{counts['expected_failures']} failed as expected")
    parts += [f"{counts['skipped']} skipped", f"{counts['failed']} failed"]
    ran = "1 check ran" if counts["ran"] == 1 else f"{counts['ran']} checks ran"
    text = f"{found.distribution} {found.version}: {ran}: {', '.join(parts)}."
    if not counts["ran"]:
        text += " Nothing is shown by that, so it counts as a failure."
    if report.unchecked:
        text += f" No check ran of {_few(report.unchecked)}, which counts as a failure."
    if report.milliseconds is not None:
        text += f" Its plugins add {report.milliseconds:.1f} ms to every list."
    return text


def _short(report: Report) -> str:
    return report.name.rpartition(":")[2]


def _few(names: Iterable[str]) -> str:
    """Return some names in full, and the number of the others."""
    names = list(names)
    shown = 4
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more
