"""What all tests share: how random examples are chosen."""

from __future__ import annotations

from hypothesis import settings

# Of "ci" new examples are not to be had, and "default" takes a machine that is busy for a fault.
# Where CI is set "ci" is in force as this is read, hence the parent.
settings.register_profile("new", settings.get_profile("default"), deadline=None, print_blob=True)
