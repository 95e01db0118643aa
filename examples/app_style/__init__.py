"""An SDK `App` with tasks, decorated: `python -m examples.app_style`.

It needs `pip install atlan-application-sdk==3.51.0` beside this package's wheel.
"""
