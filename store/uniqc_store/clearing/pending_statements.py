"""Every SQL statement about the plans that wait for their commit, in the file of copies."""

from __future__ import annotations

# Made with the first plan: a file that an undo or a clear made has no such table.
CREATE_PLANS = """
    CREATE TABLE IF NOT EXISTS plans (
        plan_key   BLOB PRIMARY KEY,
        number     INTEGER NOT NULL,
        made_at    INTEGER NOT NULL,
        expires_at INTEGER NOT NULL,
        row_count  INTEGER NOT NULL,
        content    BLOB NOT NULL,
        seal       BLOB NOT NULL
    ) STRICT
"""
HAS_PLANS = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'plans'"

ADD = """
    INSERT INTO plans VALUES (
        :plan_key, (SELECT ifnull(max(number), 0) + 1 FROM plans),
        :made_at, :expires_at, :row_count, :content, :seal
    )
"""
# A plan from a later time than now comes of a clock that was set back.
DELETE_EXPIRED = "DELETE FROM plans WHERE expires_at <= :now OR made_at > :latest"
DELETE_BEYOND = """
    DELETE FROM plans WHERE number IN (
        SELECT number FROM (
            SELECT number, row_number() OVER newest AS place, sum(row_count) OVER newest AS total
            FROM plans WINDOW newest AS (ORDER BY number DESC)
        ) WHERE place > :most_plans OR total > :most_rows
    )
"""
"""Delete the oldest plans, until the newest ones have that many rows together at most."""

GET = """
    SELECT content, seal FROM plans
    WHERE plan_key = :plan_key AND expires_at > :now AND made_at <= :latest
"""
TAKE = """
    DELETE FROM plans WHERE plan_key = :plan_key AND expires_at > :now AND made_at <= :latest
    RETURNING content, seal
"""
