"""Running checks: one component into a report, or into one pytest test for each check."""

from __future__ import annotations

import contextlib
import importlib
import logging
import traceback
from typing import TYPE_CHECKING, Any

from kzoo.errors import UsageError, words_of
from kzoo.testing.report import EXPECTED, FAILED, PASSED, SKIPPED, CheckFailure, Outcome, Report, Skip
from kzoo.testing.subject import Subject, subject_of
from kzoo.testing.surroundings import kept

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from kzoo.plugins.registry import Registry

__all__ = ["checks", "parametrize", "report_on"]

_STRICT = "it passes; take it off the expected failures"


def checks(kind: str) -> dict[str, Callable[[Subject], None]]:
    """Return the checks of one kind, by name."""
    found: dict[str, Callable[[Subject], None]] = importlib.import_module(f"kzoo.testing.{kind}_checks").CHECKS
    return found


def report_on(
    kind: str,
    component: Any,
    /,
    *,
    expected_failures: Mapping[str, str] | None = None,
    inputs: Any = None,
    only: tuple[str, ...] = (),
    registry: Registry | None = None,
    **arguments: Any,
) -> Report:
    """Run the checks of one component and return what they found.

    Args:
        kind: One of `kzoo.plugin.COMPONENT_KINDS`.
        component: Its name, an instance, a class, or a function that returns a fresh instance.
        expected_failures: Checks that it is known to fail, with the reason of each, besides those of its spec. One
            that passes is reported as a failure, so that the list stays true.
        inputs: What labels and predictions are: one of `kzoo.plugin.INPUTS`, or a function ``(size, seed)`` that
            returns both as NumPy arrays.
        only: The checks to run; by default all.
        registry: Where a name is looked up.
        **arguments: Arguments for the constructor.

    Raises:
        UsageError: The component is unknown, or ``expected_failures`` or ``only`` name a check that does not exist.
    """
    subject = subject_of(kind, component, inputs, registry, **arguments)
    table = checks(kind)
    expected = _expected(subject, expected_failures, table)
    _known(only, table, kind)
    chosen = [name for name in table if not only or name in only]
    return Report(kind, subject.name, tuple(_outcome(name, table[name], subject, expected) for name in chosen))


def parametrize(
    kind: str, *components: Any, expected_failures: Mapping[str, str] | None = None, inputs: Any = None
) -> Callable[[Any], Any]:
    """Return a decorator that makes one test for each check of each component; the test calls its ``check``.

    Example:
        >>> import kzoo.testing
        >>> @kzoo.testing.parametrize("loss", "emd")
        ... def test_conformance(check):
        ...     check()
        >>> [mark.name for mark in test_conformance.pytestmark]
        ['parametrize']

    Args:
        kind: One of `kzoo.plugin.COMPONENT_KINDS`.
        *components: Names, instances, classes, or functions that return a fresh instance; at least one.
        expected_failures: Checks that are known to fail, with the reason of each.
        inputs: As for `report_on`.

    Raises:
        UsageError: No component is given, one is unknown, or a check that is expected to fail does not exist.
    """
    import pytest

    if not components:
        message = "Give at least one component to check: a test of nothing would pass."
        raise UsageError(message)
    table = checks(kind)
    cases = []
    for component in components:
        subject = subject_of(kind, component, inputs)
        expected = _expected(subject, expected_failures, table)
        for name in table:
            test = _test(name, table[name], subject, expected)
            cases.append(pytest.param(test, id=f"{subject.name}-{name}"))
    return pytest.mark.parametrize("check", cases)


def _test(name: str, check: Callable[[Subject], None], subject: Subject, expected: Mapping[str, str]) -> Any:
    def run() -> None:
        import pytest

        outcome = _outcome(name, check, subject, expected)
        if outcome.state == SKIPPED:
            pytest.skip(outcome.reason)
        if outcome.state == EXPECTED:
            pytest.xfail(outcome.reason)
        if outcome.state == FAILED:
            pytest.fail(f"{subject.kind} {subject.name}, {name}: {outcome.reason}", pytrace=False)

    return run


def _expected(subject: Subject, more: Mapping[str, str] | None, table: Mapping[str, Any]) -> dict[str, str]:
    own = getattr(subject.entry.spec, "expected_failures", {}) if subject.entry else {}
    found = {**own, **(more or {})}
    _known(found, table, subject.kind)
    return found


def _known(names: Any, table: Mapping[str, Any], kind: str) -> None:
    unknown = sorted(set(names) - set(table))
    if unknown:
        message = f"There is no check {', '.join(unknown)} of a {kind}. There are: {', '.join(table)}."
        raise UsageError(message)


def _outcome(name: str, check: Callable[[Subject], None], subject: Subject, expected: Mapping[str, str]) -> Outcome:
    """Run one check. Whatever it raises is its verdict: nothing of a component may stop the other checks."""
    try:
        with kept(), _quiet_tensorflow():
            check(subject)
    except Skip as skip:
        if name in expected:
            return Outcome(name, FAILED, f"it is expected to fail, and does not apply: {skip}")
        return Outcome(name, SKIPPED, str(skip))
    except CheckFailure as failure:
        found = str(failure)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        found = f"raised {_raised(error)}"
    else:
        return Outcome(name, FAILED, _STRICT) if name in expected else Outcome(name, PASSED)
    return Outcome(name, EXPECTED, expected[name]) if name in expected else Outcome(name, FAILED, found)


@contextlib.contextmanager
def _quiet_tensorflow() -> Iterator[None]:
    """Keep back TensorFlow's warnings on repeated tracing: to compile again and again is what the checks are for."""
    logger = logging.getLogger("tensorflow")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def _raised(error: BaseException) -> str:
    """Return type, message and place of an error, on one line."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    text = words_of(error)[:500]
    return f"{type(error).__name__}: {text} (line {frame.lineno} of {frame.filename.rpartition('/')[2]})"
