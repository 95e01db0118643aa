"""A workflow class and a class of activities, decorated: `python -m examples.old_style`."""
