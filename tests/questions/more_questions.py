"""More questions: those of a nightly agent, of an editor, and of a physicist about one campaign."""

from __future__ import annotations

from typing import Final

from tests.questions.plain_sql import ACTIVE, FINISHED, ago, local_day
from tests.questions.table import DAY, WEEK, Question

_SOME_IDS: Final = [f"uqt_{number:032x}" for number in (3, 50, 700, 4_321, 999_999)]
_AMONG: Final = f"task_id IN ({', '.join(map(repr, _SOME_IDS))})"

MORE_LISTS: Final = (
    Question(
        "How are the five tasks of my notebook doing?",
        "newest",
        {"status": "any", "task_ids": _SOME_IDS},
        _AMONG,
    ),
    Question(
        "Which of these five are still out?",
        "newest",
        {"task_ids": _SOME_IDS},
        f"{_AMONG} AND {ACTIVE}",
    ),
    Question(
        "What was submitted last month and ended in this one?",
        "touched",
        {
            "status": "finished",
            "submitted_before": "2026-11-01",
            "updated_after": "2026-11-01",
            "order": "updated",
        },
        f"{FINISHED} AND submitted < {local_day('2026-11-01')} "
        f"AND updated >= {local_day('2026-11-01')}",
    ),
    Question(
        "What is queued or pending on IBM, the oldest first?",
        "oldest",
        {"status": ["active"], "backend": "IBM", "order": "oldest"},
        f"{ACTIVE} AND platform = 'ibm'",
    ),
    Question(
        "Which GHZ runs went wrong outside OriginQ?",
        "newest",
        {"status": ["failed", "cancelled"], "name_contains": "ghz", "except_backend": "originq"},
        "status IN ('failed', 'cancelled') AND lower(name) LIKE '%ghz%' AND platform <> 'originq'",
    ),
    Question(
        "Which VQE steps were refused with a 401 since the weekend?",
        "newest",
        {
            "status": "any",
            "name_contains": "vqe",
            "error_contains": "401",
            "submitted_after": "2026-10-31",
        },
        "lower(name) LIKE '%vqe%' AND error LIKE '%401%' "
        f"AND submitted >= {local_day('2026-10-31')}",
    ),
    Question(
        "What on Quark has nobody asked about for two hours?",
        "newest",
        {"backend": "quark", "not_heard_for": "2h"},
        f"{ACTIVE} AND platform = 'quark' AND updated < {ago(hours=2)}",
    ),
    Question(
        "What of the simulators could go tonight: successes untouched for a week?",
        "oldest",
        {"status": "success", "updated_before": "7d", "backend": "dummy", "order": "oldest"},
        f"status = 'success' AND platform = 'dummy' AND updated < {ago(days=7)}",
    ),
    Question(
        "What has uniqc put away of the QAOA, the oldest first?",
        "oldest",
        {"status": "any", "archived": "only", "name_contains": "qaoa", "order": "oldest"},
        "lower(name) LIKE '%qaoa%'",
        source="put_away",
    ),
)

MORE_COUNTS: Final = (
    Question(
        "How many of these five are finished?",
        "counts",
        {"status": "finished", "task_ids": _SOME_IDS},
        f"{_AMONG} AND {FINISHED}",
        ("status",),
    ),
    Question(
        "How many did the editor's panel miss in the last ten minutes?",
        "counts",
        {"updated_after": "10m"},
        f"updated >= {ago(hours=0)} - 600",
        ("status",),
    ),
    Question(
        "How many failures are older than two weeks, and where?",
        "counts",
        {"status": "failed", "submitted_before": "14d", "group_by": "backend"},
        f"status = 'failed' AND submitted < {ago(days=14)}",
        ("backend",),
    ),
    Question(
        "How many finished ones are on neither Quark nor IBM?",
        "counts",
        {"status": "finished", "except_backend": ["quark", "ibm"], "group_by": "status_backend"},
        f"{FINISHED} AND platform NOT IN ('quark', 'ibm')",
        ("status", "backend"),
    ),
    Question(
        "How many timeouts were there in the last week?",
        "counts",
        {"error_contains": "timeout", "submitted_after": "7d", "group_by": "total"},
        f"lower(error) LIKE '%timeout%' AND submitted >= {ago(days=7)}",
    ),
)

MORE_FIGURES: Final = (
    Question(
        "How did each machine do on each day of the weekend?",
        "figures",
        {
            "group_by": ["day", "backend"],
            "submitted_after": "2026-10-31",
            "submitted_before": "2026-11-02",
            "backend": "originq",
        },
        "platform = 'originq' AND "
        f"submitted >= {local_day('2026-10-31')} AND submitted < {local_day('2026-11-02')}",
        (DAY, "backend"),
    ),
    Question(
        "How did the weeks go on Tianyan?",
        "figures",
        {"group_by": ["week", "status"], "backend": "tianyan"},
        "platform = 'tianyan'",
        (WEEK, "status"),
    ),
    Question(
        "What did the simulators cost, beside the chips?",
        "figures",
        {"group_by": ["platform"], "status": "success", "updated_after": "3d"},
        f"status = 'success' AND updated >= {ago(days=3)}",
        ("platform",),
    ),
    Question(
        "How long did the failures take that were no refusal?",
        "figures",
        {"group_by": "backend", "status": "failed", "error_contains": "shard"},
        "status = 'failed' AND error LIKE '%shard%'",
        ("backend",),
    ),
    Question(
        "Which runs of the H2 molecule were repeated?",
        "figures",
        {"group_by": "name", "name_contains": "H2"},
        "lower(name) LIKE '%h2%'",
        ("name",),
    ),
    Question(
        "What became of the five tasks of my notebook, by machine?",
        "figures",
        {"group_by": ["backend", "status"], "task_ids": _SOME_IDS},
        _AMONG,
        ("backend", "status"),
    ),
)
