"""Profiles of other tools as ours, one module for each format."""
