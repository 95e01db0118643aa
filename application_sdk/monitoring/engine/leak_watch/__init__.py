"""Watches the process for leaks while functions decorated with ``memory_profile`` run."""
