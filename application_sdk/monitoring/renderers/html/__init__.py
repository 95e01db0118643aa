"""Profiles as HTML pages."""

from __future__ import annotations

from application_sdk.monitoring.renderers.html.page import render

__all__ = ["render"]
