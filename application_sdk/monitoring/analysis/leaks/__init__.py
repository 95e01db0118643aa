"""Finds leaks: by calling a function again and again, and by watching a process.

Nothing is imported here: who watches a process needs none of what calls functions.
"""
