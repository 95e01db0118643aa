"""A process of low priority for work that would hold the interpreter's lock for long."""
