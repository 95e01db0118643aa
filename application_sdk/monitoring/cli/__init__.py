"""The command line: ``sdk-monitoring``, one module for each command."""
