"""The questions: what is asked, the call that answers it, and the same in plain SQL."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Literal

from tests.questions.plain_sql import ACTIVE, FINISHED, ago, local_day

Form = Literal["newest", "oldest", "touched", "counts", "figures"]

DAY: Final = "date(submitted, 'unixepoch', 'localtime')"
WEEK: Final = (
    "ifnull(date(submitted, 'unixepoch', 'localtime', "
    "'-' || ((strftime('%w', submitted, 'unixepoch', 'localtime') + 6) % 7) || ' days'), "
    "'(no readable time)')"
)


@dataclass(frozen=True, slots=True)
class Question:
    """One question.

    Attributes:
        asked: The question as a person asks it.
        form: What answers it: a page of tasks in one of three orders, counts of groups, or their
            figures.
        arguments: The arguments of the call.
        where: The condition of the tasks in SQL.
        by: The expressions in SQL that the groups are of.
        source: The view that has the tasks.
    """

    asked: str
    form: Form
    arguments: dict[str, Any] = field(hash=False)
    where: str = "TRUE"
    by: tuple[str, ...] = ()
    source: str = "t"


_ON_ORIGINQ = "platform = 'originq'"
_OR_ARCHIVED = "(SELECT * FROM t UNION ALL SELECT * FROM put_away)"

LISTS: Final = (
    Question("What is still running?", "newest", {}, ACTIVE),
    Question("What has waited the longest?", "oldest", {"order": "oldest"}, ACTIVE),
    Question("What failed?", "newest", {"status": "failed"}, "status = 'failed'"),
    Question(
        "What failed last night?",
        "touched",
        {"status": "failed", "updated_after": "24h", "order": "updated"},
        f"status = 'failed' AND updated >= {ago(hours=24)}",
    ),
    Question(
        "What was submitted in the last two hours?",
        "newest",
        {"status": "any", "submitted_after": "2h"},
        f"submitted >= {ago(hours=2)}",
    ),
    Question(
        "What was submitted on Sunday?",
        "newest",
        {"status": "any", "submitted_after": "2026-11-01", "submitted_before": "2026-11-02"},
        f"submitted >= {local_day('2026-11-01')} AND submitted < {local_day('2026-11-02')}",
    ),
    Question(
        "What was submitted between noon and two (UTC) on the 30th?",
        "oldest",
        {
            "status": "any",
            "submitted_after": "2026-10-30T12:00:00Z",
            "submitted_before": "2026-10-30T14:00:00Z",
            "order": "oldest",
        },
        "submitted >= strftime('%s', '2026-10-30 12:00:00') + 0 "
        "AND submitted < strftime('%s', '2026-10-30 14:00:00') + 0",
    ),
    Question(
        "What was submitted after eight in the evening in Shanghai?",
        "newest",
        {"status": "any", "submitted_after": "2026-11-02T20:00:00+08:00"},
        "submitted >= strftime('%s', '2026-11-02 12:00:00') + 0",
    ),
    Question(
        "What runs on OriginQ?", "newest", {"backend": "originq"}, f"{ACTIVE} AND {_ON_ORIGINQ}"
    ),
    Question(
        "Which of my runs on WK_C180 were cancelled?",
        "newest",
        {"status": "cancelled", "backend": "originq:WK_C180"},
        "status = 'cancelled' AND backend = 'originq:WK_C180'",
    ),
    Question(
        "What runs elsewhere than on OriginQ and dummies?",
        "newest",
        {"except_backend": ["originq", "dummy"]},
        f"{ACTIVE} AND platform NOT IN ('originq', 'dummy')",
    ),
    Question(
        "Which runs are of the VQE?",
        "newest",
        {"status": "any", "name_contains": "VQE"},
        "lower(name) LIKE '%vqe%'",
    ),
    Question(
        "Which VQE steps failed this week?",
        "newest",
        {"status": "failed", "name_contains": "vqe", "submitted_after": "7d"},
        f"status = 'failed' AND lower(name) LIKE '%vqe%' AND submitted >= {ago(days=7)}",
    ),
    Question(
        "哪些基态能量任务还在运行?",
        "newest",
        {"name_contains": "基态能量"},
        f"{ACTIVE} AND name LIKE '%基态能量%'",
    ),
    Question(
        "Which were refused with a 401?",
        "newest",
        {"status": "failed", "error_contains": "http 401"},
        "status = 'failed' AND error LIKE '%HTTP 401%'",
    ),
    Question(
        "Which timed out on OriginQ?",
        "newest",
        {"status": "any", "error_contains": "TimeoutError", "backend": "originq"},
        f"error LIKE '%TimeoutError%' AND {_ON_ORIGINQ}",
    ),
    Question(
        "What failed or was cancelled in the last three days?",
        "newest",
        {"status": ["failed", "cancelled"], "submitted_after": "3d"},
        f"status IN ('failed', 'cancelled') AND submitted >= {ago(days=3)}",
    ),
    Question(
        "What is stuck, not heard of for half a day?",
        "newest",
        {"not_heard_for": "12h"},
        f"{ACTIVE} AND updated < {ago(hours=12)}",
    ),
    Question(
        "What is pending and was submitted before October?",
        "oldest",
        {"status": "pending", "submitted_before": "2026-10-01", "order": "oldest"},
        f"status = 'pending' AND submitted < {local_day('2026-10-01')}",
    ),
    Question(
        "What ended in the last hour?",
        "touched",
        {"status": "finished", "updated_after": "1h", "order": "updated"},
        f"{FINISHED} AND updated >= {ago(hours=1)}",
    ),
    Question(
        "What was last touched, whatever it is?",
        "touched",
        {"status": "any", "order": "updated"},
    ),
    Question(
        "What was touched before midnight and not since?",
        "touched",
        {"status": "any", "updated_before": "2026-11-03", "order": "updated"},
        f"updated < {local_day('2026-11-03')}",
    ),
    Question("What are my oldest tasks?", "oldest", {"status": "any", "order": "oldest"}),
    Question("What are my newest tasks?", "newest", {"status": "any"}),
    Question(
        "What has uniqc put away?",
        "newest",
        {"status": "any", "archived": "only"},
        source="put_away",
    ),
    Question(
        "Which failed runs has uniqc put away?",
        "newest",
        {"status": "failed", "archived": "only"},
        "status = 'failed'",
        source="put_away",
    ),
    Question(
        "What failed in October, put away or not?",
        "newest",
        {
            "status": "failed",
            "archived": "include",
            "submitted_after": "2026-10-01",
            "submitted_before": "2026-11-01",
        },
        "status = 'failed' AND "
        f"submitted >= {local_day('2026-10-01')} AND submitted < {local_day('2026-11-01')}",
        source=_OR_ARCHIVED,
    ),
)

COUNTS: Final = (
    Question("How many tasks are there?", "counts", {}, by=("status",)),
    Question("How many altogether?", "counts", {"group_by": "total"}),
    Question("How many on each machine?", "counts", {"group_by": "backend"}, by=("backend",)),
    Question(
        "How many of each status on each machine?",
        "counts",
        {"group_by": "status_backend"},
        by=("status", "backend"),
    ),
    Question(
        "How many run, and where?",
        "counts",
        {"status": "active", "group_by": "backend"},
        ACTIVE,
        ("backend",),
    ),
    Question("How many are finished?", "counts", {"status": "finished"}, FINISHED, ("status",)),
    Question(
        "How many did I submit today?",
        "counts",
        {"submitted_after": "2026-11-03"},
        f"submitted >= {local_day('2026-11-03')}",
        ("status",),
    ),
    Question(
        "How many yesterday?",
        "counts",
        {"submitted_after": "2026-11-02", "submitted_before": "2026-11-03", "group_by": "total"},
        f"submitted >= {local_day('2026-11-02')} AND submitted < {local_day('2026-11-03')}",
    ),
    Question(
        "How many on the day the clocks went back?",
        "counts",
        {"submitted_after": "2026-11-01", "submitted_before": "2026-11-02"},
        f"submitted >= {local_day('2026-11-01')} AND submitted < {local_day('2026-11-02')}",
        ("status",),
    ),
    Question(
        "How many before Berlin's clocks went back?",
        "counts",
        {"submitted_before": "2026-10-25", "group_by": "backend"},
        f"submitted < {local_day('2026-10-25')}",
        ("backend",),
    ),
    Question(
        "How many ended in the last day?",
        "counts",
        {"status": "finished", "updated_after": "24h"},
        f"{FINISHED} AND updated >= {ago(hours=24)}",
        ("status",),
    ),
    Question(
        "How many finished ones has nobody touched for a month?",
        "counts",
        {"status": "finished", "updated_before": "30d", "group_by": "backend"},
        f"{FINISHED} AND updated < {ago(days=30)}",
        ("backend",),
    ),
    Question(
        "How many fail on Quark?",
        "counts",
        {"status": "failed", "backend": "quark", "group_by": "total"},
        "status = 'failed' AND platform = 'quark'",
    ),
    Question(
        "How many are stuck since yesterday, and where?",
        "counts",
        {"not_heard_for": "1d", "status": "active", "group_by": "backend"},
        f"{ACTIVE} AND updated < {ago(days=1)}",
        ("backend",),
    ),
    Question(
        "How many of the QAOA runs succeeded?",
        "counts",
        {"name_contains": "qaoa"},
        "lower(name) LIKE '%qaoa%'",
        ("status",),
    ),
    Question(
        "How many tasks are not on a cloud?",
        "counts",
        {"backend": "dummy", "group_by": "backend"},
        "platform = 'dummy'",
        ("backend",),
    ),
    Question(
        "How many were refused with a 401, and where?",
        "counts",
        {"error_contains": "401", "group_by": "backend"},
        "error LIKE '%401%'",
        ("backend",),
    ),
    Question(
        "How many has uniqc put away?",
        "counts",
        {"archived": "only"},
        by=("status",),
        source="put_away",
    ),
    Question(
        "How many are there with those put away?",
        "counts",
        {"archived": "include", "group_by": "backend"},
        by=("backend",),
        source=_OR_ARCHIVED,
    ),
)

FIGURES: Final = (
    Question("What is the success rate of each machine?", "figures", {}, by=("backend",)),
    Question(
        "What was the success rate by machine last week?",
        "figures",
        {"submitted_after": "7d", "group_by": "backend"},
        f"submitted >= {ago(days=7)}",
        ("backend",),
    ),
    Question(
        "How do the platforms compare?", "figures", {"group_by": "platform"}, by=("platform",)
    ),
    Question(
        "How many shots were spent on each platform this month?",
        "figures",
        {"group_by": ["platform"], "submitted_after": "2026-11-01"},
        f"submitted >= {local_day('2026-11-01')}",
        ("platform",),
    ),
    Question(
        "How long do tasks take by status?", "figures", {"group_by": "status"}, by=("status",)
    ),
    Question(
        "How did the last ten days go?",
        "figures",
        {"group_by": "day", "submitted_after": "10d"},
        f"submitted >= {ago(days=10)}",
        (DAY,),
    ),
    Question(
        "How did the weekend of the clocks go, day by day?",
        "figures",
        {"group_by": "day", "submitted_after": "2026-10-31", "submitted_before": "2026-11-02"},
        f"submitted >= {local_day('2026-10-31')} AND submitted < {local_day('2026-11-02')}",
        (DAY,),
    ),
    Question(
        "How did the last weeks go?",
        "figures",
        {"group_by": "week"},
        by=(WEEK,),
    ),
    Question(
        "Which platform failed on which day of this week?",
        "figures",
        {"group_by": ["day", "platform"], "status": "failed", "submitted_after": "3d"},
        f"status = 'failed' AND submitted >= {ago(days=3)}",
        (DAY, "platform"),
    ),
    Question(
        "How do status and platform go together?",
        "figures",
        {"group_by": ["platform", "status"]},
        by=("platform", "status"),
    ),
    Question(
        "How long do runs on OriginQ take?",
        "figures",
        {"backend": "originq", "status": "success"},
        f"{_ON_ORIGINQ} AND status = 'success'",
        ("backend",),
    ),
    Question(
        "How did everything but the dummies go?",
        "figures",
        {"except_backend": "dummy", "group_by": "status"},
        "platform <> 'dummy'",
        ("status",),
    ),
    Question(
        "How did the GHZ runs go, by machine?",
        "figures",
        {"name_contains": "ghz", "group_by": "backend"},
        "lower(name) LIKE '%ghz%'",
        ("backend",),
    ),
    Question(
        "How many shots are still out?",
        "figures",
        {"status": "active", "group_by": "platform"},
        ACTIVE,
        ("platform",),
    ),
)
