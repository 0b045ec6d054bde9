"""Tests of the views in Chromium: ``python -m tests.browser``.

The default run, which needs no browser, leaves them out (tests/conftest.py).
"""
