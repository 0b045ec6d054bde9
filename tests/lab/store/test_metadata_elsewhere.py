"""A task whose metadata stayed on its machine: that is told, and never taken for damage."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Literal

import pytest
from tests.contract.records import StoredTask
from tests.lab.messages import compare_of, push_of

from uniqc_mcp.comparing.tools import CompareTools
from uniqc_mcp.errors import RequestError
from uniqc_mcp.lab.database.ingest import Ingest
from uniqc_mcp.lab.database.viewer import Viewer
from uniqc_mcp.lab.store.lab_store import LabStore
from uniqc_mcp.resources import ReadResources
from uniqc_mcp.tasks.lookup import METADATA_ELSEWHERE
from uniqc_mcp.tasks.tools import ReadTools

if TYPE_CHECKING:
    from uniqc_mcp.lab.database.pool import Database

HERE = json.dumps({"task_name": "bell", "circuit_ir": "QINIT 1\nCREG 1\nH q[0]", "note": 7})


@pytest.fixture
def store(database: Database) -> LabStore:
    tasks = [StoredTask(task_id=name, metadata=HERE) for name in ("away", "here", "broken")]
    away, here, broken = push_of(enumerate(tasks)).tasks
    # The name of the field as a machine sends it that could not redact the metadata.
    away = away.model_copy(update={"metadata": None, "damaged": ("metadata",)})
    broken = broken.model_copy(update={"metadata": "{no JSON", "damaged": ("metadata",)})
    ingest = Ingest(database)
    ingest.compare("alice", compare_of([]))
    push = push_of([]).model_copy(update={"tasks": (away, here, broken)})
    assert ingest.push("alice", push).refused == ()
    return LabStore(database, viewer=Viewer(owners=frozenset({"alice"})))


def test_a_task_tells_that_its_metadata_stayed_where_they_are(store: LabStore) -> None:
    answer = ReadTools(store).get_task(task_id="away")
    assert METADATA_ELSEWHERE in answer.text()
    assert METADATA_ELSEWHERE in str(answer.structured())
    assert "damaged" not in answer.text()
    assert "bell" in answer.text()


def test_other_tasks_do_not(store: LabStore) -> None:
    tools = ReadTools(store)
    assert "stayed" not in tools.get_task(task_id="here", include=["circuit"]).text()
    assert "damaged in the file: metadata" in tools.get_task(task_id="broken").text()


@pytest.mark.parametrize("part", ["circuit", "compiled"])
def test_circuits_that_are_asked_for_tell_it_too(
    store: LabStore, part: Literal["circuit", "compiled"]
) -> None:
    text = ReadTools(store).get_task(task_id="away", include=[part]).text()
    assert text.count(METADATA_ELSEWHERE) == 2


def test_the_resources_of_circuits_are_errors_that_tell_it(store: LabStore) -> None:
    resources = ReadResources(store)
    for read in (resources.circuit, resources.compiled_circuit, resources.executed_circuit):
        with pytest.raises(RequestError, match="stayed on the machine"):
            read(task_id="away")
    assert "QINIT" in resources.circuit(task_id="here")


def test_a_comparison_tells_it(store: LabStore) -> None:
    text = CompareTools(store).compare_tasks(task_ids=["away", "here"]).text()
    (circuit,) = (line for line in text.splitlines() if line.strip().startswith("circuit"))
    assert "on its machine" in circuit
    (note,) = (line for line in text.splitlines() if "metadata.note" in line)
    assert "on its machine" in note
