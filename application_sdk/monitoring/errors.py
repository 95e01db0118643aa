"""The errors that this library raises on purpose."""

from __future__ import annotations


class MonitoringError(Exception):
    """Base of every error raised by ``application_sdk.monitoring``.

    It reaches a user only from calls that the user made to this library
    (decorating, configuring, loading, checking), never out of a decorated call.
    """


class InvalidArgumentError(MonitoringError, ValueError):
    """An argument has the right type and a value that is not allowed."""


class InvalidArgumentTypeError(MonitoringError, TypeError):
    """An argument has a type that is not allowed."""


class UnreadableProfileError(MonitoringError):
    """A profile file is missing, damaged, or of a version unknown here."""
