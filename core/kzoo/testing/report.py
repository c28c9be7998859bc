"""What the conformance kit found: one outcome for each check, and the report that collects them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kzoo.errors import KzooError

__all__ = ["CheckFailure", "NotConformant", "Outcome", "Report", "Skip"]

PASSED, FAILED, SKIPPED, EXPECTED = "passed", "failed", "skipped", "expected failure"


class CheckFailure(AssertionError):  # noqa: N818 - read as `pytest.fail.Exception` is
    """A component broke a promise; the text says what was seen, what was expected, and for which input."""


class Skip(Exception):  # noqa: N818 - not an error: the check has nothing to say of this component
    """A check that does not apply; the text says why."""


class NotConformant(KzooError, AssertionError):  # noqa: N818 - named for what the component is
    """A report has failures; the text lists them."""


@dataclass(frozen=True)
class Outcome:
    """What one check found.

    Attributes:
        check: The check's name.
        state: ``passed``, ``failed``, ``skipped`` or ``expected failure``.
        reason: Why, for everything but ``passed``.
    """

    check: str
    state: str
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.check}: {self.state}" + (f": {self.reason}" if self.reason else "")


@dataclass(frozen=True)
class Report:
    """What the checks of one component found.

    Attributes:
        kind: One of `kzoo.plugin.COMPONENT_KINDS`.
        name: The component, as it was asked for.
        outcomes: One for each check, in order.

    Example:
        >>> report = Report("loss", "example", (Outcome("graph", "passed"), Outcome("mask", "skipped", "no steps")))
        >>> print(report)
        loss example: 1 passed, 1 skipped
        >>> report.ok
        True
    """

    kind: str
    name: str
    outcomes: tuple[Outcome, ...]

    @property
    def ran(self) -> list[str]:
        """The checks that ran, whatever they found."""
        return [outcome.check for outcome in self.outcomes if outcome.state != SKIPPED]

    @property
    def passed(self) -> list[str]:
        """The checks that found nothing wrong."""
        return [outcome.check for outcome in self.outcomes if outcome.state == PASSED]

    @property
    def failed(self) -> dict[str, str]:
        """The checks that failed, with what each saw."""
        return self._reasons(FAILED)

    @property
    def skipped(self) -> dict[str, str]:
        """The checks that do not apply, with the reason of each."""
        return self._reasons(SKIPPED)

    @property
    def expected_failures(self) -> dict[str, str]:
        """The checks that failed as it was said they would, with the reason given."""
        return self._reasons(EXPECTED)

    @property
    def ok(self) -> bool:
        """Whether checks ran and none failed; a run of no checks proves nothing and is a failure."""
        return bool(self.ran) and not self.failed

    def raise_if_failed(self) -> None:
        """Raise `NotConformant` unless the report is `ok`."""
        if not self.ok:
            raise NotConformant(self.text())

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain data, for JSON."""
        return {
            "kind": self.kind,
            "name": self.name,
            "ok": self.ok,
            "checks": [vars(outcome) for outcome in self.outcomes],
        }

    def text(self) -> str:
        """Return the summary, and a line for each failure."""
        if not self.ran:
            return f"{self}. No check ran, so nothing is shown."
        return "\n".join([str(self), *(f"  {check}: {reason}" for check, reason in self.failed.items())])

    def __str__(self) -> str:
        counts = [
            f"{len(found)} {word}"
            for found, word in (
                (self.passed, PASSED),
                (self.failed, FAILED),
                (self.expected_failures, "expected failures"),
                (self.skipped, SKIPPED),
            )
            if found
        ]
        return f"{self.kind} {self.name}: {', '.join(counts) or 'no checks'}"

    def _reasons(self, state: str) -> dict[str, str]:
        return {outcome.check: outcome.reason for outcome in self.outcomes if outcome.state == state}
