"""The same figures by plain SQL: what the answers of the tools are compared with.

It shares no code with the store. A time without a zone is the machine's; days are the machine's.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

from tests.questions.stores import NOW

from uniqc_store import DB_FILENAME

if TYPE_CHECKING:
    from pathlib import Path

FINISHED = "status IN ('success', 'failed', 'cancelled')"
ACTIVE = f"NOT {FINISHED}"

_HAS_ZONE = "{0} LIKE '%Z' OR substr({0}, -6, 1) IN ('+', '-')"
_SECONDS = (
    f"CASE WHEN {_HAS_ZONE} THEN (julianday({{0}}) - 2440587.5) * 86400 "
    "ELSE (julianday({0}, 'utc') - 2440587.5) * 86400 END"
)
_SUBMITTED, _UPDATED = (_SECONDS.format(column) for column in ("submit_time", "update_time"))
_VIEW = f"""
    CREATE TEMPORARY VIEW {{view}} AS SELECT task_id, status, backend, {{error}} AS error,
        substr(backend, 1, instr(backend || ':', ':') - 1) AS platform,
        ifnull(json_extract(metadata_json, '$.task_name'), '') AS name,
        to_the_ms({_SUBMITTED}) AS submitted, to_the_ms({_UPDATED}) AS updated,
        {_UPDATED} - {_SUBMITTED} AS took,
        max(shots, 0) * {{circuits}} AS all_shots, submit_time, rowid AS number
    FROM {{table}}"""
_JOBS = """
    ifnull((SELECT sum(max(circuit_count, 1)) FROM task_shards
        WHERE uniqc_task_id = tasks.task_id), 1)"""


def local_day(day: str) -> str:
    """Return SQL for the second at which a day begins on this machine."""
    return f"CAST(strftime('%s', '{day}', 'utc') AS INTEGER)"


def ago(*, days: int = 0, hours: int = 0) -> str:
    """Return SQL for the second so long before the moment of all questions."""
    return str(int(NOW.timestamp()) - 86_400 * days - 3_600 * hours)


class PlainSql:
    """Figures of one file, read by plain SQL from the view ``t`` and, of the archive, ``put_away``.

    Args:
        directory: The cache directory.
    """

    def __init__(self, directory: Path) -> None:
        self._path = directory / DB_FILENAME

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """Return the rows of a statement on the views."""
        with closing(sqlite3.connect(self._path)) as connection:
            # julianday() is exact to some 0.05 ms only.
            connection.create_function("to_the_ms", 1, _to_the_ms, deterministic=True)
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
            connection.execute(_view(connection, "t", "tasks", tables))
            if "archived_tasks" in tables:
                connection.execute(_view(connection, "put_away", "archived_tasks", tables))
            else:
                connection.execute("CREATE TEMPORARY VIEW put_away AS SELECT * FROM t WHERE FALSE")
            return connection.execute(statement).fetchall()

    def one(self, statement: str) -> Any:
        """Return the only figure of a statement."""
        ((figure,),) = self.rows(statement)
        return figure


def _view(connection: sqlite3.Connection, view: str, table: str, tables: set[str]) -> str:
    columns = {name for _, name, *_ in connection.execute(f"PRAGMA table_info({table})")}
    error = "error_message" if "error_message" in columns else "NULL"
    circuits = _JOBS if table == "tasks" and "task_shards" in tables else "1"
    return _VIEW.format(view=view, table=table, error=error, circuits=circuits)


def _to_the_ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
