"""The conformance kit: what a Keras loss, metric, optimizer or regularizer, or a tracker, must do right.

Each check looks for one mistake that was seen in public components, and says what it saw, what it expected and the
smallest input that shows it.

Example:
    >>> import kzoo.testing
    >>> report = kzoo.testing.check_loss("emd", only=("sample_weight", "graph"))
    >>> report.passed
    ['sample_weight', 'graph']
    >>> report.raise_if_failed()
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from kzoo.testing.report import CheckFailure, NotConformant, Outcome, Report

if TYPE_CHECKING:
    from kzoo.testing.distribution import DistributionReport, check_distribution
    from kzoo.testing.run import checks, parametrize

__all__ = [
    "CheckFailure",
    "DistributionReport",
    "NotConformant",
    "Outcome",
    "Report",
    "check_distribution",
    "check_loss",
    "check_metric",
    "check_optimizer",
    "check_regularizer",
    "check_schedule",
    "check_tracker",
    "checks",
    "parametrize",
]

# Resolved on first use, so that what a distribution publishes can be looked at without importing Keras.
_HOMES = {
    "DistributionReport": "kzoo.testing.distribution",
    "check_distribution": "kzoo.testing.distribution",
    "checks": "kzoo.testing.run",
    "parametrize": "kzoo.testing.run",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        message = f"module 'kzoo.testing' has no attribute {name!r}"
        raise AttributeError(message)
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def check_loss(component: Any, /, **options: Any) -> Report:
    """Run the checks of a loss: its name, an instance, a class, or a function that returns a fresh one.

    Args:
        component: What to check; a function of ``(y_true, y_pred)`` is checked as ``compile(loss=function)`` has it.
        **options: ``expected_failures={check: reason}``, ``inputs``, ``only``, and arguments for the constructor; see
            `kzoo.testing.run.report_on`.

    Returns:
        The report: ``ran``, ``passed``, ``skipped``, ``failed``, ``expected_failures``, ``raise_if_failed()``.
    """
    return _report_on("loss", component, **options)


def check_metric(component: Any, /, **options: Any) -> Report:
    """Run the checks of a metric; see `check_loss`."""
    return _report_on("metric", component, **options)


def check_optimizer(component: Any, /, **options: Any) -> Report:
    """Run the checks of an optimizer; see `check_loss`."""
    return _report_on("optimizer", component, **options)


def check_schedule(component: Any, /, **options: Any) -> Report:
    """Run the checks of a learning-rate schedule; see `check_loss`."""
    return _report_on("schedule", component, **options)


def check_regularizer(component: Any, /, **options: Any) -> Report:
    """Run the checks of a regularizer; see `check_loss`."""
    return _report_on("regularizer", component, **options)


def check_tracker(component: Any, /, **options: Any) -> Report:
    """Run the checks of a tracker: its name, a class, or a function that returns a fresh one; see `check_loss`."""
    return _report_on("tracker", component, **options)


def _report_on(kind: str, component: Any, /, **options: Any) -> Report:
    from kzoo.testing.run import report_on

    return report_on(kind, component, **options)
