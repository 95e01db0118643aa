"""What pushed profiles are labelled with: few names, and none whose values never end."""

from __future__ import annotations

import os

from application_sdk.monitoring.model.profile import CallContext, Profile

_BOUNDED = ("workflow_type", "activity_type", "task_queue")


def service_name(application_name: str) -> str:
    """The application's name: its setting, else OpenTelemetry's, else the SDK's."""
    return (
        application_name
        or os.environ.get("OTEL_SERVICE_NAME")
        or os.environ.get("ATLAN_APPLICATION_NAME")
        or "application"
    )


def labels(profile: Profile) -> dict[str, str]:
    """Labels of a series. Ids of runs, tenants and traces are no labels: they never end."""
    context = profile.context.model_dump()
    found = {"function": profile.name, "outcome": profile.outcome}
    found.update({key: str(context[key]) for key in _BOUNDED if context[key]})
    return found


def bounded(profile: Profile) -> Profile:
    """The profile with only such context as may become a label, and its span."""
    kept = {key: getattr(profile.context, key) for key in (*_BOUNDED, "span_id")}
    return profile.model_copy(update={"context": CallContext(**kept)})
