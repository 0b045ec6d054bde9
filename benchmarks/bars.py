"""The bars: promises about performance, each with its reference and its limit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from benchmarks.measure import (
    calls,
    clearing,
    context,
    counts,
    lab,
    lab_http,
    large_results,
    lists,
    processes,
    searches,
    sharing,
    starts,
    summaries,
)
from benchmarks.recording import OURS

Size: TypeAlias = Literal["largest", "next", "smallest", "each"]
"""A size of store; ``next`` is the one before the largest."""

Statistic: TypeAlias = Literal["median", "p99"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One side of a comparison: a contender, a size of store, and a statistic.

    Where both sides are of the same size, it is one that both contenders have.
    """

    who: str = OURS
    size: Size = "largest"
    statistic: Statistic = "median"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One promise.

    Attributes:
        says: The promise.
        group: The group of the measurements.
        only: A pattern that the whole question matches; empty for every question of the group.
        ours: The side whose number must not be too high.
        rows: The least number of tasks of the pages that are compared.
        reference: The other side. Without one, the limit has the unit of the measurement.
        or_beside: The question of a full page to the reference, as a template of the match of
            ``only``. A page that has more tasks than at the other size is compared with the
            slower of the two, since it takes longer than one of three tasks to find and to make.
        limit: The highest ratio, or number, that keeps the promise.
    """

    says: str
    group: str
    only: str = ""
    ours: Side = field(default_factory=Side)
    rows: int = 0
    reference: Side | None = None
    or_beside: str = ""
    limit: float


BARS = (
    Bar(
        says="A page of 50 at the largest size, beside its time at the smallest",
        group=lists.GROUP,
        only=lists.REALISTIC,
        rows=lists.PAGE,
        reference=Side(size="smallest"),
        limit=3,
    ),
    Bar(
        says="Any page asked again, beside that or, with more tasks, a plain page of the smallest",
        group=lists.GROUP,
        only=f".* page{lists.AGAIN}",
        reference=Side(size="smallest"),
        or_beside=f"{lists.PLAIN}: first page{lists.AGAIN}",
        limit=3,
    ),
    Bar(
        says="A page that uniqc's own store can make too, in ms",
        group=lists.GROUP,
        only=lists.UNIQC_MAKES_IT,
        limit=20,
    ),
    Bar(
        says="Any page at the largest size for which not every task is tested, in ms",
        group=lists.GROUP,
        only=lists.NOT_SEARCHED,
        limit=50,
    ),
    Bar(
        says="A search for a name that no task has, beside one SQL scan of the names",
        group=searches.GROUP,
        only=f".*: {searches.FIRST}",
        reference=Side(who=searches.SQL),
        limit=1.2,
    ),
    Bar(
        says="The same search again, unchanged file, beside the first time",
        group=searches.GROUP,
        only=f".*: {searches.AGAIN}",
        reference=Side(who=searches.FIRST),
        limit=0.02,
    ),
    Bar(
        says="A page by the last touch in 24 h, for which there is no index, beside a plain page",
        group=lists.GROUP,
        only=lists.TOUCHED,
        reference=Side(who=lists.PLAIN_PAGE),
        limit=10,
    ),
    Bar(
        says="Counting by status and backend, as part of a GROUP BY",
        group=counts.GROUP,
        only=f"{counts.BOTH}: {counts.FIRST}",
        reference=Side(who=counts.SQL),
        limit=0.1,
    ),
    Bar(
        says="Counting again after a commit, as part of a GROUP BY",
        group=counts.GROUP,
        only=f"{counts.BOTH}: {counts.CHANGED}",
        reference=Side(who=counts.SQL),
        limit=0.1,
    ),
    Bar(
        says="Counting an unchanged file again does not grow with it",
        group=counts.GROUP,
        only=f".*: {counts.AGAIN}",
        reference=Side(size="smallest"),
        limit=1.5,
    ),
    Bar(
        says="A summary of the last week by backend, beside one SQL statement by the time index",
        group=summaries.GROUP,
        only=f"{summaries.WEEK}: {summaries.FIRST}",
        reference=Side(who=summaries.SQL),
        limit=1.5,
    ),
    Bar(
        says="A summary of everything by status and backend or by day, beside one SQL statement",
        group=summaries.GROUP,
        only=f"({summaries.BY_LABELS}|{summaries.BY_DAY}): {summaries.FIRST}",
        reference=Side(who=summaries.SQL),
        limit=1.1,
    ),
    Bar(
        says="A summary again, unchanged file, beside the first time",
        group=summaries.GROUP,
        only=f".*: {summaries.AGAIN}",
        reference=Side(who=summaries.FIRST),
        limit=0.01,
    ),
    Bar(
        says="The peak memory of a summary of 10^5 outcomes is below that of parsing them",
        group=large_results.GROUP,
        only=f"{large_results.LARGE}: peak",
        reference=Side(who=large_results.PARSED),
        limit=1,
    ),
    Bar(
        says="A call, beside a stock def tool that returns as many bytes",
        group=calls.GROUP,
        reference=Side(who=calls.CONSTANT),
        limit=1.15,
    ),
    Bar(
        says="The 99th percentile of a call is within 3 times its median",
        group=calls.GROUP,
        ours=Side(statistic="p99"),
        reference=Side(),
        limit=3,
    ),
    Bar(says="CPU while idle, in ms", group=processes.IDLE, limit=0),
    *(
        Bar(
            says=f"{what[0].upper()}{what[1:]}, one server or 8 at once, beside the smallest",
            group=starts.GROUP,
            only=f"{what}, .*",
            reference=Side(who=starts.SMALLEST),
            limit=limit,
        )
        for what, limit in (
            (starts.TO_HANDSHAKE, 0.2),
            (starts.TO_TOOLS, 0.25),
            (starts.CPU, 0.2),
            (starts.RESIDENT, 0.35),
            (starts.TO_CALL, 1),
        )
    ),
    Bar(
        says="Network and crypto modules imported beyond those of the SDK",
        group=processes.IMPORTS,
        only=processes.NOT_OURS,
        limit=0,
    ),
    Bar(
        says="Resident memory, beside the smallest server",
        group=processes.MEMORY,
        only=f"{processes.STARTED}|{processes.SERVED}|over .* calls",
        reference=Side(who=starts.SMALLEST),
        limit=1.2,
    ),
    Bar(
        says="Memory is flat over many calls: KiB in 1000 calls",
        group=processes.MEMORY,
        only=processes.GROWTH,
        limit=10,
    ),
    Bar(
        says="Clearing a tenth, copy for undo included, beside one bare DELETE",
        group=clearing.GROUP,
        only=clearing.CLEAR,
        reference=Side(who=clearing.DELETE),
        limit=3,
    ),
    Bar(
        says="A page of a laboratory's store with 500 owners, beside a SQLite file's",
        group=lab.GROUP,
        only=lab.PAGES,
        reference=Side(who=lab.SQLITE),
        limit=5,
    ),
    Bar(
        says="A page of a laboratory's store, beside that or, with more tasks, a plain page of the "
        "next smaller",
        group=lab.GROUP,
        only=lab.BY_INDEX,
        reference=Side(size="next"),
        or_beside=lab.PLAIN,
        limit=3,
    ),
    Bar(
        says="Counting a laboratory's tasks by status and backend, beside a GROUP BY",
        group=lab.GROUP,
        only=lab.COUNTS,
        reference=Side(who=lab.GROUP_BY),
        limit=0.01,
    ),
    Bar(
        says="A constant by a laboratory's server, one connection or 32, beside the SDK's own",
        group=lab_http.GROUP,
        only=f"{lab_http.CONSTANT}, .*",
        reference=Side(who=lab_http.STOCK),
        limit=1.2,
    ),
    Bar(
        says="list_tasks by 32 connections, beside a constant: at least 0.4 of its rate",
        group=lab_http.GROUP,
        only=f"{lab_http.LISTED}, {lab_http.MANY}",
        reference=Side(who=lab_http.DOOR),
        limit=2.5,
    ),
    Bar(
        says="The same while a machine sends about once a second: at least 0.4 too",
        group=lab_http.GROUP,
        only=f"{lab_http.SENDING}, each eighth time, .*",
        reference=Side(who=lab_http.DOOR),
        limit=2.5,
    ),
    Bar(
        says="Sharing a store for the first time, beside redacting and serialising its rows, CPU",
        group=sharing.GROUP,
        only=sharing.FULL,
        ours=Side(size="smallest"),
        reference=Side(who=sharing.REDACTED, size="smallest"),
        limit=1.5,
    ),
    Bar(
        says="A pass that finds nothing new, beside that",
        group=sharing.GROUP,
        only=sharing.NOTHING_NEW,
        ours=Side(size="smallest"),
        reference=Side(who=sharing.FIRST_TIME, size="smallest"),
        limit=0.1,
    ),
    Bar(
        says="Its peak memory at the largest size, beside the smallest",
        group=sharing.GROUP,
        only=sharing.PEAK,
        reference=Side(size="smallest"),
        limit=1.5,
    ),
    Bar(
        says="Tokens of everything that tools/list returns",
        group=context.GROUP,
        only=context.TOOLS,
        limit=3500,
    ),
    Bar(
        says="Tokens of what's still running, 20 active tasks, by text",
        group=context.GROUP,
        only=f"{context.RUNNING}: {context.TEXT}",
        limit=1250,
    ),
    Bar(
        says="Tokens of the same by structured content",
        group=context.GROUP,
        only=f"{context.RUNNING}: {context.STRUCTURE}",
        limit=2500,
    ),
    Bar(
        says="Tokens of a task with a 20-qubit result, by text or by structured content",
        group=context.GROUP,
        only=f"{context.LARGE_RESULT}: ({context.TEXT}|{context.STRUCTURE})",
        limit=900,
    ),
    Bar(
        says="Tokens of the largest answers, both channels together",
        group=context.GROUP,
        only=f"{context.LARGEST}.*: {context.ANSWER}",
        limit=20_000,
    ),
)

EACH_PAGE = Bar(
    says="A page at the largest size, beside its time at the smallest, however full each is",
    group=lists.GROUP,
    only=".* page",
    reference=Side(size="smallest"),
    limit=3,
)
"""A comparison for the report, but no bar: a page of 3 tasks takes less time than one of 50."""
