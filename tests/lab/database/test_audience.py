"""Who sees whose tasks: their own, and those of the machines that their owners share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.lab.messages import compare_of

from uniqc_mcp.lab.database.audience import viewer_of
from uniqc_mcp.lab.database.ingest import Ingest

if TYPE_CHECKING:
    from uniqc_mcp.lab.database.pool import Database

DESK, LAPTOP = "d" * 32, "1" * 32


def test_a_machine_is_shared_and_another_of_the_same_owner_is_not(database: Database) -> None:
    ingest = Ingest(database)
    ingest.compare("alice", compare_of([], store_id=DESK, audience="lab"))
    ingest.compare("alice", compare_of([], store_id=LAPTOP))
    ingest.compare("carol", compare_of([], store_id="c" * 32))
    for_bob = viewer_of(database, "bob")
    assert for_bob.owners == {"alice", "bob"}
    assert for_bob.hidden_stores == {LAPTOP}
    for_alice = viewer_of(database, "alice")
    assert for_alice.owners == {"alice"}
    assert not for_alice.hidden_stores


def test_what_is_no_longer_shared_is_hidden_at_once(database: Database) -> None:
    ingest = Ingest(database)
    ingest.compare("alice", compare_of([], audience="lab"))
    assert viewer_of(database, "bob").owners == {"alice", "bob"}
    ingest.compare("alice", compare_of([], audience="me"))
    assert viewer_of(database, "bob").owners == {"bob"}
