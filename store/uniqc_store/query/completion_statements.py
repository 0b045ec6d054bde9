"""The SQL that finds what an id or a label may be completed to.

Each statement looks at a bounded number of rows, along an index.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from uniqc_store.query.statements import shard_table
from uniqc_store.rows import raw_text

if TYPE_CHECKING:
    from uniqc_store.query.statements import TaskTable

NEWEST_WITH_NAMES = f"""
    SELECT task_id, metadata_text({raw_text("metadata_json")}, 'task_name') FROM tasks
    ORDER BY submit_time DESC, rowid DESC LIMIT :limit
"""

# As in queries.BACKENDS: one seek for each label.
BACKENDS_BEGINNING = """
    WITH RECURSIVE labels(label) AS (
        SELECT MIN(backend) FROM tasks WHERE backend >= :text AND backend < :text_end
        UNION ALL
        SELECT (SELECT MIN(backend) FROM tasks WHERE backend > label AND backend < :text_end)
        FROM labels WHERE label IS NOT NULL
    )
    SELECT label FROM labels WHERE label IS NOT NULL LIMIT :limit
"""


def ids_beginning(table: TaskTable) -> str:
    """Ids that begin like a text, newest first, and the labels of their tasks."""
    return f"""
        SELECT task_id, status, backend FROM (
            SELECT rowid AS place, task_id, status, backend, submit_time FROM {table}
            WHERE task_id >= :text AND task_id < :text_end ORDER BY task_id LIMIT :limit
        ) ORDER BY submit_time DESC, place DESC
    """


def platform_ids_beginning(table: TaskTable) -> str:
    """Likewise platforms' ids; uniqc's own in place of one that several tasks share."""
    jobs = shard_table(table)
    return f"""
        SELECT CASE WHEN shared THEN task_id ELSE platform_task_id END, status, backend FROM (
            SELECT platform_task_id, uniqc_task_id, EXISTS (
                SELECT 1 FROM {jobs} AS other
                WHERE other.platform_task_id = job.platform_task_id
                    AND other.uniqc_task_id <> job.uniqc_task_id
            ) AS shared
            FROM {jobs} AS job WHERE platform_task_id >= :text AND platform_task_id < :text_end
            ORDER BY platform_task_id LIMIT :limit
        ) JOIN {table} ON task_id = uniqc_task_id
        ORDER BY {table}.submit_time DESC, {table}.rowid DESC
    """
