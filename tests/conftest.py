"""Hypothesis settings that all tests share."""

from __future__ import annotations

from hypothesis import settings

# The profile "ci" repeats its examples, and the deadline of "default" fails on a busy machine.
# Where CI is set, "ci" is active while this file is read. So the parent is named.
settings.register_profile("new", settings.get_profile("default"), deadline=None, print_blob=True)
