"""Notices in production that a decorated function has become slower for good."""
