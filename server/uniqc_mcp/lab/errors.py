"""The errors of the laboratory's shared store, which tools answer as they do any store's."""

from __future__ import annotations

from uniqc_store import StoreError


class LabError(StoreError):
    """The base class of the errors of the shared store."""


class LabUnavailableError(LabError):
    """A database that can't be reached, or that does not answer in time; nothing was changed."""

    def __init__(
        self,
        detail: str,
        *,
        advice: str = "Nothing is known of its tasks now; try again in some seconds.",
    ) -> None:
        """Put the database's own words in brackets, and say after them what to do."""
        super().__init__(f"The laboratory's database can't be reached ({detail}). {advice}")


class LabSchemaError(LabError):
    """A database without the tables of the shared store, or with those of another release.

    Attributes:
        found: The version of its schema; 0 if it has none.
        expected: The version that this release reads and writes.
    """

    def __init__(self, found: int, expected: int) -> None:
        """Say in the message which side is to be updated."""
        remedy = (
            "Run `uniqc-mcp lab init` of this release."
            if found < expected
            else "Update uniqc-mcp on this machine."
        )
        super().__init__(
            f"The laboratory's database has schema version {found}, and this release needs "
            f"{expected}. {remedy}"
        )
        self.found = found
        self.expected = expected


class LabRefusedError(LabError):
    """A message that can't be taken as a whole, such as one of another version."""


class LabOutOfStepError(LabError):
    """A message that was made before another one of the same machine was taken."""

    def __init__(self) -> None:
        """Say what its machine does next."""
        super().__init__(
            "The store has changed since this message was made, so that it is not taken. "
            "Compare again."
        )
