"""Errors that kzoo shows to people: one clear paragraph each, and the exit code that goes with it."""

from __future__ import annotations

__all__ = ["DataError", "KzooError", "NetworkUnreachableError", "UsageError"]


class KzooError(Exception):
    """Something a person can mend: the message says what, which, why, and what to do next."""

    exit_code = 1


class UsageError(KzooError):
    """The request itself is wrong: an unknown name, a keyword that does not exist, a value out of range."""

    exit_code = 2


class DataError(KzooError):
    """Data that cannot be used: a wrong checksum, a corrupt archive, a folder without images."""


class NetworkUnreachableError(DataError):
    """No connection to the host could be made; the only failure after which ``--data auto`` may use the sample."""
