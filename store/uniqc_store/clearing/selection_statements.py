"""The SQL statements on the copies under a receipt that an undo is asked to put back."""

from __future__ import annotations

from uniqc_store.clearing.statements import OF_BATCH
from uniqc_store.query.where import Where, all_of

ID_IS_SELECTED = "task_id IN (SELECT value FROM json_each(:selected_ids))"

_OF_RECEIPT = "_receipt = :receipt_id"

HELD_IDS = f"SELECT task_id FROM cleared_tasks WHERE {_OF_RECEIPT} AND {ID_IS_SELECTED}"

HAS_ERRORS = "SELECT 1 FROM pragma_table_info('cleared_tasks') WHERE name = 'error_message'"

DROP_SELECTED = "DROP TABLE IF EXISTS temp.selected"
MAKE_SELECTED = "CREATE TEMPORARY TABLE selected (copy_id INTEGER PRIMARY KEY, id)"
COUNT_OF_BATCH = f"SELECT COUNT(*) FROM cleared_tasks WHERE {OF_BATCH}"

MARK = """
    UPDATE batches SET state = 'restoring' WHERE receipt_id = :receipt_id AND batch = :batch
"""
FREE_NUMBER = "SELECT min(0, min(batch)) - 1 FROM batches WHERE receipt_id = :receipt_id"
MOVE = (
    "INSERT INTO batches VALUES (:receipt_id, :number, 'restoring')",
    f"""
    UPDATE cleared_shards SET _batch = :number
    WHERE {OF_BATCH} AND uniqc_task_id IN (SELECT id FROM temp.selected)
    """,
    "UPDATE cleared_tasks SET _batch = :number WHERE rowid IN (SELECT copy_id FROM temp.selected)",
)
"""The selected copies and their jobs become a batch of their own."""


def batches(where: Where) -> str:
    """Return the statement for the batches of a receipt with copies that meet the conditions."""
    return f"SELECT DISTINCT _batch FROM cleared_tasks {_of_receipt(where)} ORDER BY _batch"


def count(where: Where) -> str:
    """Return the statement for the number of a receipt's copies that meet the conditions."""
    return f"SELECT COUNT(*) FROM cleared_tasks {_of_receipt(where)}"


def ids(where: Where) -> str:
    """Return the statement for the ids and the batches of these copies."""
    return f"""
        SELECT task_id, _batch FROM cleared_tasks {_of_receipt(where)} ORDER BY _batch, rowid
    """


def select(where: Where) -> str:
    """Return the statement that chooses those copies of one batch that meet the conditions."""
    return f"""
        INSERT INTO temp.selected SELECT rowid, task_id FROM cleared_tasks
        {all_of(Where([OF_BATCH]), where).sql}
    """


def _of_receipt(where: Where) -> str:
    return all_of(Where([_OF_RECEIPT]), where).sql
