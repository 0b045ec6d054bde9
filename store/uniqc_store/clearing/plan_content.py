"""A plan as bytes in the file of copies, and the seal that shows a change to them.

The id of a plan is random and not in the file: the file has a digest of it to find the plan by, and
a seal that only the id can make. So whoever reads or changes the file can't commit a plan, nor
make one commit other rows.
"""

from __future__ import annotations

import hmac
import json
import struct
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from uniqc_store.clearing.plan import ClearPlan, PlannedRow
from uniqc_store.clearing.policy import ClearPolicy
from uniqc_store.snapshot import Group

_FORMAT = b"uniqc-mcp plan 3:"
"""Part of the key: a release with another format finds no plan of this one."""

_LENGTH = struct.Struct(">I")
_ROW = struct.Struct(">qqII")
"""Rowid, size, and the lengths of the id and of the digest, which follow."""


def key_of(plan_id: str) -> bytes:
    """Return the digest that the file has in place of an id."""
    return sha256(_FORMAT + _secret(plan_id)).digest()


def seal_of(plan_id: str, content: bytes) -> bytes:
    """Return the seal of a plan's content, which nobody without the id can make."""
    return hmac.digest(_secret(plan_id), content, "sha256")


def is_sealed(plan_id: str, content: bytes, seal: bytes) -> bool:
    """Return True if the content is as it was when it was sealed."""
    return hmac.compare_digest(seal_of(plan_id, content), seal)


def pack(plan: ClearPlan, *, expires_at: datetime, asks_user: bool, matching: str) -> bytes:
    """Return the bytes of a plan: what its commit needs, so no examples and no exclusions."""
    head = {
        "planned_at": plan.planned_at.isoformat(),
        "expires_at": expires_at.isoformat(),
        "asks_user": asks_user,
        "matching": matching,
        "matched": plan.matched,
        "policy": _policy_values(plan.policy),
        "groups": [[group.status, group.backend, group.count] for group in plan.groups],
    }
    packed = json.dumps(head).encode()
    parts = [_LENGTH.pack(len(packed)), packed]
    for row in plan.rows:
        parts.append(_ROW.pack(row.row, row.size, len(row.task_id), len(row.digest)))
        parts += row.task_id, row.digest
    return b"".join(parts)


def unpack(content: bytes) -> tuple[ClearPlan, datetime, bool, str]:
    """Return a plan, when it expires, whether the user has to be asked, and its filter in words."""
    (length,) = _LENGTH.unpack_from(content)
    start = _LENGTH.size + length
    head: dict[str, Any] = json.loads(content[_LENGTH.size : start])
    plan = ClearPlan(
        rows=_rows(content, start),
        matched=head["matched"],
        policy=_policy(**head["policy"]),
        planned_at=datetime.fromisoformat(head["planned_at"]),
        groups=tuple(
            Group(status=status, backend=backend, count=count)
            for status, backend, count in head["groups"]
        ),
        examples=(),
        oldest="",
        newest="",
        excluded=(),
    )
    expires_at = datetime.fromisoformat(head["expires_at"])
    return plan, expires_at, bool(head["asks_user"]), str(head["matching"])


def _rows(content: bytes, start: int) -> tuple[PlannedRow, ...]:
    rows: list[PlannedRow] = []
    while start < len(content):
        row, size, id_length, digest_length = _ROW.unpack_from(content, start)
        middle = start + _ROW.size + id_length
        task_id = content[start + _ROW.size : middle]
        start = middle + digest_length
        rows.append(PlannedRow(row, task_id, content[middle:start], size))
    return tuple(rows)


def _policy_values(policy: ClearPolicy) -> dict[str, object]:
    age = policy.min_age
    return {
        "statuses": policy.statuses,
        "min_age": [age.days, age.seconds, age.microseconds],
        "backends": policy.backends,
        "max_rows": policy.max_rows,
    }


def _policy(
    *, statuses: list[str], min_age: list[int], backends: list[str], max_rows: int | None
) -> ClearPolicy:
    return ClearPolicy(
        statuses=tuple(statuses),
        min_age=timedelta(*min_age),
        backends=tuple(backends),
        max_rows=max_rows,
    )


def _secret(plan_id: str) -> bytes:
    return plan_id.encode(errors="surrogatepass")
