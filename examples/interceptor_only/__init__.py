"""A worker profiled with no change to its code: `python -m examples.interceptor_only`."""
