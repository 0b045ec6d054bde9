"""The tables of the shared store, made by ordered migrations.

They use what PostgreSQL, CockroachDB and YugabyteDB share: no sequences, triggers, extensions,
views, generated columns or advisory locks. Each row begins with its owner, and policies of the
tables show a transaction the rows of its viewer's owners only (see ``pool``).

Text is compared by its bytes, as SQLite does. An order by time is by the recorded text; moments
are microseconds since 1970.
"""

from __future__ import annotations

from typing import Final

VERSIONS: Final = """
    CREATE TABLE IF NOT EXISTS lab_schema (
        version integer PRIMARY KEY,
        epoch text COLLATE "C" NOT NULL
    )
"""
"""The table of the versions, which is made before any migration."""

_STORE: Final = """
    CREATE TABLE store (
        owner text COLLATE "C" NOT NULL,
        store_id text COLLATE "C" NOT NULL,
        machine text NOT NULL,
        schema_version integer NOT NULL,
        revision bigint NOT NULL,
        task_count bigint NOT NULL,
        digest text COLLATE "C" NOT NULL,
        heard_at timestamptz NOT NULL,
        PRIMARY KEY (owner, store_id)
    )
"""

# Apart from `store`, as everybody reads it: who shares with whom is asked before a viewer is known.
_AUDIENCE: Final = """
    CREATE TABLE audience (
        owner text COLLATE "C" NOT NULL,
        store_id text COLLATE "C" NOT NULL,
        audience text COLLATE "C" NOT NULL,
        PRIMARY KEY (owner, store_id)
    )
"""

# `revision` is the store's when the task was last written, `first_revision` when it came.
# `live` is true of a task that is neither archived nor gone: the condition of most indexes.
_TASK: Final = """
    CREATE TABLE task (
        owner text COLLATE "C" NOT NULL,
        store_id text COLLATE "C" NOT NULL,
        task_id text COLLATE "C" NOT NULL,
        archived boolean NOT NULL,
        live boolean NOT NULL,
        gone_at timestamptz,
        revision bigint NOT NULL,
        first_revision bigint NOT NULL,
        fingerprint text COLLATE "C" NOT NULL,
        place bigint NOT NULL,
        backend text COLLATE "C" NOT NULL,
        backend_folded text COLLATE "C" NOT NULL,
        platform_folded text COLLATE "C" NOT NULL,
        status text COLLATE "C" NOT NULL,
        shots bigint NOT NULL,
        circuits bigint NOT NULL,
        submit_time text COLLATE "C" NOT NULL,
        update_time text COLLATE "C" NOT NULL,
        submitted_us bigint,
        updated_us bigint,
        updated_order bigint NOT NULL,
        name text COLLATE "C" NOT NULL,
        name_folded text COLLATE "C" NOT NULL,
        error text COLLATE "C",
        error_folded text COLLATE "C",
        archived_at text COLLATE "C",
        legacy_id text COLLATE "C",
        has_job boolean NOT NULL,
        result_bytes bigint,
        damaged text NOT NULL,
        PRIMARY KEY (owner, store_id, task_id, archived)
    )
"""

_BODY: Final = """
    CREATE TABLE body (
        owner text COLLATE "C" NOT NULL,
        store_id text COLLATE "C" NOT NULL,
        task_id text COLLATE "C" NOT NULL,
        archived boolean NOT NULL,
        metadata text COLLATE "C",
        result text COLLATE "C",
        PRIMARY KEY (owner, store_id, task_id, archived)
    )
"""

_JOB: Final = """
    CREATE TABLE job (
        owner text COLLATE "C" NOT NULL,
        store_id text COLLATE "C" NOT NULL,
        task_id text COLLATE "C" NOT NULL,
        archived boolean NOT NULL,
        shard_index bigint NOT NULL,
        platform_task_id text COLLATE "C" NOT NULL,
        backend text COLLATE "C" NOT NULL,
        circuit_count bigint NOT NULL,
        sub_index_offset bigint NOT NULL,
        status text COLLATE "C" NOT NULL,
        submit_time text COLLATE "C" NOT NULL,
        update_time text COLLATE "C" NOT NULL,
        error text COLLATE "C",
        result text COLLATE "C",
        result_bytes bigint,
        PRIMARY KEY (owner, store_id, task_id, archived, shard_index)
    )
"""

_TALLY: Final = """
    CREATE TABLE tally (
        owner text COLLATE "C" NOT NULL,
        store_id text COLLATE "C" NOT NULL,
        archived boolean NOT NULL,
        status text COLLATE "C" NOT NULL,
        backend text COLLATE "C" NOT NULL,
        tasks bigint NOT NULL,
        PRIMARY KEY (owner, store_id, archived, status, backend)
    )
"""

ACTIVE: Final = "status NOT IN ('cancelled', 'failed', 'success')"
"""True of an active task; written alike everywhere, so that its index is used."""

# Read before a viewer is known, and so without policies. Nobody but the owner of the tables writes.
_TOKENS: Final = """
    CREATE TABLE token (
        token_id text COLLATE "C" PRIMARY KEY,
        digest text COLLATE "C" NOT NULL,
        owner text COLLATE "C" NOT NULL,
        label text NOT NULL,
        scopes text[] NOT NULL,
        created_at timestamptz NOT NULL,
        expires_at timestamptz,
        revoked_at timestamptz
    )
"""

_PLACE: Final = "submit_time ASC, place ASC, owner ASC, store_id ASC"
_LATER_PLACE: Final = "place ASC, owner ASC, store_id ASC"
_OWN_PLACE: Final = "submit_time ASC, place ASC, store_id ASC"
_PLATFORM_PLACE: Final = f"platform_folded ASC, {_PLACE}, backend_folded ASC"
_LABELS: Final = "platform_folded ASC, backend_folded ASC"
_FEW: Final = "live AND status <> 'success'"

_INDEXES: Final = (
    # A recorded text is within two days of its moment. The index tells the moments of these days
    # from others by itself.
    f"CREATE INDEX task_by_time ON task ({_PLACE}, submitted_us ASC) WHERE live",
    f"CREATE INDEX task_by_owner ON task (owner ASC, {_OWN_PLACE}) WHERE live",
    f"CREATE INDEX task_by_backend ON task (backend_folded ASC, {_PLACE}) WHERE live",
    f"CREATE INDEX task_by_platform ON task (platform_folded ASC, {_PLACE}) WHERE live",
    f"CREATE INDEX task_by_status ON task (status ASC, {_PLACE}) WHERE live",
    # Few tasks are not successes. The indexes of these tell a platform and a backend from others
    # by themselves. Else the failed tasks of one that was retired long ago are looked for among
    # a hundred thousand tasks of the table.
    f"CREATE INDEX task_active ON task ({_PLACE}, {_LABELS}) WHERE live AND {ACTIVE}",
    f"CREATE INDEX task_few ON task (status ASC, {_PLATFORM_PLACE}) WHERE {_FEW}",
    f"CREATE INDEX task_few_by_owner ON task (owner ASC, status ASC, {_OWN_PLACE}) WHERE {_FEW}",
    f"CREATE INDEX task_by_update ON task (updated_order ASC, {_LATER_PLACE}) WHERE live",
    "CREATE INDEX task_by_id ON task (task_id ASC)",
    "CREATE INDEX task_by_legacy_id ON task (legacy_id ASC) WHERE legacy_id IS NOT NULL",
    "CREATE INDEX task_by_revision ON task (owner ASC, store_id ASC, revision ASC)",
    "CREATE INDEX job_by_platform_id ON job (platform_task_id ASC)",
)

_PRIVATE_TABLES: Final = ("store", "task", "body", "job", "tally")
_TABLES: Final = (*_PRIVATE_TABLES, "audience")

# A subselect is computed once a statement and looked up by its hash. A transaction without the
# setting has no owner, so that it sees no row.
_VISIBLE: Final = """
    owner IN (SELECT unnest(string_to_array(current_setting('lab.viewer', true), E'\\n')))
    AND store_id NOT IN (
        SELECT unnest(string_to_array(coalesce(current_setting('lab.hidden', true), ''), E'\\n'))
    )
"""
_OWN: Final = "owner = current_setting('lab.writer', true)"


def _policies() -> tuple[str, ...]:
    reading = {**dict.fromkeys(_PRIVATE_TABLES, _VISIBLE), "audience": "true"}
    return tuple(
        statement
        for table in _TABLES
        for statement in (
            f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
            f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
            f"CREATE POLICY reading ON {table} FOR SELECT USING ({reading[table]})",
            f"CREATE POLICY inserting ON {table} FOR INSERT WITH CHECK ({_OWN})",
            f"CREATE POLICY updating ON {table} FOR UPDATE USING ({_OWN}) WITH CHECK ({_OWN})",
            f"CREATE POLICY deleting ON {table} FOR DELETE USING ({_OWN})",
        )
    )


MIGRATIONS: Final[tuple[tuple[str, ...], ...]] = (
    (_STORE, _AUDIENCE, _TASK, _BODY, _JOB, _TALLY, _TOKENS, *_INDEXES, *_policies()),
)
"""The statements that lead from each version of the schema to the next, in order."""

VERSION: Final = len(MIGRATIONS)
"""The version of the schema that this release reads and writes."""

GRANTS: Final = (
    "GRANT SELECT ON lab_schema, token TO {role}",
    f"GRANT SELECT, INSERT, UPDATE ON {', '.join(_TABLES)} TO {{role}}",
    # The jobs of a task are replaced together. A task is never removed.
    "GRANT DELETE ON job TO {role}",
)
"""The rights of the role of the service."""
