"""A store that is shared, and the outcome of sharing it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from uniqc_mcp.safety.display import quoted, word

if TYPE_CHECKING:
    from pathlib import Path

    from uniqc_mcp.lab.share.batches import Refused
    from uniqc_mcp.lab.share.client import LabClient
    from uniqc_mcp.lab.share.fingerprints import Fingerprints
    from uniqc_store import TaskStore

Audience = Literal["me", "lab"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sharer:
    """The store, and as what the server knows it.

    Attributes:
        store: The store, which is only read.
        client: The server.
        store_id: The name of the store there.
        machine: The name of this machine, for people.
        audience: Who may see the tasks: this person, or the laboratory.
        fingerprints: The fingerprints of the store.
        state_path: The file with the name of the store.
    """

    store: TaskStore
    client: LabClient
    store_id: str
    machine: str
    audience: Audience
    fingerprints: Fingerprints
    state_path: Path


class Answered(NamedTuple):
    """The server's database, and its revision of this store, at an answer."""

    epoch: str
    revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The outcome of a pass.

    Attributes:
        tasks: Number of tasks of the file that can be shared.
        sent: Number of tasks that were sent.
        gone: Number of tasks that the server was told are gone.
        refused: Tasks that the server did not keep.
        left_out: Number of tasks whose id can't be shared.
        answered: The last answer of the server.
    """

    tasks: int
    sent: int
    gone: int
    refused: tuple[Refused, ...]
    left_out: int
    answered: Answered

    @property
    def complete(self) -> bool:
        """True if the server has every task of the file."""
        return not self.refused and not self.left_out

    def in_words(self) -> str:
        """Return the outcome as a sentence, or several."""
        words = [f"The laboratory has {self.tasks - len(self.refused):,} tasks of this machine."]
        if self.refused:
            first = self.refused[0]
            words.append(
                f"It did not take {len(self.refused):,}, such as {word(first.key.task_id)}: "
                f"{quoted(first.reason)}."
            )
        if self.left_out:
            words.append(
                f"Not shared, as their ids are no text, too long, or look like credentials: "
                f"{self.left_out:,}."
            )
        return " ".join(words)
