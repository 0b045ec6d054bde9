"""summarize_tasks: every figure beside plain SQL, the kinds of failures, and the bounds."""

from __future__ import annotations

import json
import math
import sqlite3
import time
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from tests.server.conftest import STORES
from tests.server.test_token_budget import tokens

from uniqc_mcp.records.failure_kinds import kind_of
from uniqc_mcp.tasks.summary_models import MAX_GROUPS, WEEK_NOTE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.server.conftest import Cache

NAMES = sorted(path.name for path in STORES.glob("*.sqlite"))
FINISHED = ("success", "failed", "cancelled")
ID = "0123456789abcdef0123456789abcdef"


def by_labels(answer: dict[str, Any], width: int = 1) -> dict[Any, dict[str, Any]]:
    """Return the figures of each row by its labels."""
    names = answer["columns"][width:]
    return {
        row[0] if width == 1 else tuple(row[:width]): dict(zip(names, row[width:], strict=True))
        for row in answer["rows"]
    }


def stored(cache: Cache) -> list[dict[str, Any]]:
    """Return the rows of all tasks, each with the number of its circuits."""
    with closing(sqlite3.connect(cache.path)) as connection:
        connection.row_factory = sqlite3.Row
        connection.text_factory = _decoded
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
        if "tasks" not in tables:
            return []
        tasks = [dict(row) for row in connection.execute("SELECT * FROM tasks")]
        for task in tasks:
            jobs = (
                connection.execute(
                    "SELECT circuit_count FROM task_shards WHERE uniqc_task_id = ?",
                    [task["task_id"]],
                ).fetchall()
                if "task_shards" in tables
                else []
            )
            task["circuits"] = sum(max(count, 1) for (count,) in jobs) or 1
    return tasks


def _decoded(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def moment(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text)).astimezone(UTC)
    except ValueError:
        return None


def expected(tasks: list[dict[str, Any]]) -> dict[str, Any]:
    finished = [task for task in tasks if task["status"] in FINISHED]
    times = [
        (submitted, touched)
        for task in finished
        if (submitted := moment(task["submit_time"]))
        and (touched := moment(task["update_time"]))
        and touched >= submitted
    ]
    seconds = sorted((touched - submitted).total_seconds() for submitted, touched in times)
    starts = [at for task in tasks if (at := moment(task["submit_time"]))]

    def rank(share: float) -> float | None:
        """Return the smallest of the times that so large a share does not exceed."""
        return round(seconds[math.ceil(share * len(seconds)) - 1], 1) if seconds else None

    def minute(at: datetime) -> str:
        return f"{at:%Y-%m-%dT%H:%MZ}"

    shots = sum(
        task["shots"] * task["circuits"]
        for task in tasks
        if isinstance(task["shots"], int) and task["shots"] > 0
    )
    return {
        "tasks": len(tasks),
        "finished": len(finished),
        "succeeded": sum(task["status"] == "success" for task in tasks),
        "shots": shots if shots <= 2**53 else str(shots),
        "median_seconds": rank(0.5),
        "p90_seconds": rank(0.9),
        "max_seconds": rank(1),
        "oldest": minute(min(starts)) if starts else "",
        "newest": minute(max(starts)) if starts else "",
    }


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("key", ["status", "backend", "platform", "day"])
async def test_every_figure_is_that_of_the_rows(cache: Cache, name: str, key: str) -> None:
    cache.copy(name)
    groups: dict[str, list[dict[str, Any]]] = {}
    for task in stored(cache):
        label = str(task["backend"] if key == "platform" else task.get(key))
        if key == "platform":
            label = label.partition(":")[0]
        if key == "day":
            submitted = moment(task["submit_time"])
            label = f"{submitted.astimezone():%Y-%m-%d}" if submitted else "(no readable time)"
        groups.setdefault(label, []).append(task)
    _, answer = await cache.ask("summarize_tasks", group_by=[key])
    assert by_labels(answer) == {label: expected(tasks) for label, tasks in groups.items()}
    assert answer["total"] == sum(map(len, groups.values()))


async def test_a_batch_counts_the_shots_of_each_circuit(cache: Cache) -> None:
    cache.write(
        {"shots": 100},
        {"shots": 10},
        version=5,
        script="""
            INSERT INTO task_shards (uniqc_task_id, shard_index, platform_task_id, backend, status,
                sub_index_offset, circuit_count, submit_time, update_time) VALUES
            ('task-000001', 0, 'a', 'ibm', 'success', 0, 3, '2026-11-03', '2026-11-03'),
            ('task-000001', 1, 'b', 'ibm', 'success', 3, 2, '2026-11-03', '2026-11-03')
        """,
    )
    _, answer = await cache.ask("summarize_tasks")
    assert by_labels(answer)["originq:WK_C180"]["shots"] == 510


def failed(cache: Cache, *errors: str) -> Cache:
    return cache.write(
        *({"status": "failed", "metadata_json": "{}"} for _ in errors),
        version=5,
        script="".join(
            f"UPDATE tasks SET error_message = '{error}' WHERE task_id = 'task-{number:06}';"
            for number, error in enumerate(errors, 1)
        ),
    )


async def test_errors_that_differ_in_ids_numbers_and_secrets_are_one_kind(cache: Cache) -> None:
    refused = (
        f"HTTP 401 for https://example.org/jobs/{number}: invalid token tok-{number:012x}, task "
        f"uqt_{number:032x}"
        for number in range(59)
    )
    others = (f"chip offline since 2026-11-{day:02}" for day in range(1, 11))
    failed(cache, *refused, *others)
    text, answer = await cache.ask("summarize_tasks", status="failed", group_by="error")
    kinds = {kind: figures["tasks"] for kind, figures in by_labels(answer).items()}
    assert sorted(kinds.values()) == [10, 59]
    (most,) = (kind for kind, count in kinds.items() if count == 59)
    assert most.startswith("HTTP 401 for … invalid token")
    assert "chip offline since …" in text


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("HTTP 503 after 12.5 s", "HTTP 503 after … s"),
        ("status code: 404, id 17", "status code: 404, id …"),
        (f"job uqt_{ID} is gone", "job … is gone"),
        ("no file /home/a/b/c.json here", "no file … here"),
        ("3f2c8a1e-11d2-4b6f-9c00-0123456789ab failed", "… failed"),
        ("queue position 1, 2, 3", "queue position …"),
        ("Unsupported topology.", "Unsupported topology."),
        ("CNOT on q[3] and q[17]", "CNOT on q[…] and q[…]"),
    ],
)
def test_a_kind_leaves_out_what_differs_between_tasks(reason: str, kind: str) -> None:
    assert kind_of(reason) == kind


async def test_failures_without_a_reason_and_other_statuses_have_a_kind_of_their_own(
    cache: Cache,
) -> None:
    cache.write({"status": "failed"}, {"status": "success"}, {"status": "QUEUED"}, version=5)
    _, answer = await cache.ask("summarize_tasks", group_by=["error"])
    assert set(by_labels(answer)) == {"(no reason recorded)", "(success)", "(QUEUED)"}


async def test_groups_beyond_the_room_are_one_line_with_all_their_figures(cache: Cache) -> None:
    cache.write(*({"backend": f"chip-{number % 90}:x"} for number in range(900)))
    text, answer = await cache.ask("summarize_tasks")
    assert 10 < len(answer["rows"]) <= MAX_GROUPS + 1
    *shown, others = answer["rows"]
    assert others[0] == f"others ({90 - len(shown)} more)"
    assert sum(row[1] for row in answer["rows"]) == answer["total"] == 900
    assert sum(row[4] for row in answer["rows"]) == 900_000
    for channel in (text, json.dumps(answer, separators=(",", ":"))):
        assert tokens(channel, "o200k_base") <= 1_500


async def test_rows_of_one_first_label_stand_together_and_days_come_latest_first(
    cache: Cache,
) -> None:
    cache.write(
        *(
            {"backend": backend, "submit_time": f"2026-11-0{day}T12:00:00+00:00"}
            for backend, day in (("a", 1), ("b", 1), ("b", 2), ("b", 3), ("a", 3), ("b", 3))
        )
    )
    _, answer = await cache.ask("summarize_tasks", group_by=["backend", "day"])
    assert [row[:2] for row in answer["rows"]] == [
        ["b", "2026-11-03"],
        ["b", "2026-11-02"],
        ["b", "2026-11-01"],
        ["a", "2026-11-03"],
        ["a", "2026-11-01"],
    ]


@pytest.fixture
def local_zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Return a function that sets this machine's zone, in POSIX words."""

    def set_zone(zone: str) -> None:
        monkeypatch.setenv("TZ", zone)
        time.tzset()

    yield set_zone
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25)])
async def test_a_day_is_that_of_the_local_zone_and_may_have_23_or_25_hours(
    cache: Cache, local_zone: Callable[[str], None], day: str, hours: int
) -> None:
    local_zone("CET-1CEST,M3.5.0,M10.5.0/3")
    first = datetime.fromisoformat(day) - timedelta(days=1)
    start = first.replace(hour=12).astimezone(UTC)
    cache.write(
        *({"submit_time": (start + timedelta(hours=hour)).isoformat()} for hour in range(48))
    )
    _, answer = await cache.ask("summarize_tasks", group_by=["day"])
    assert by_labels(answer)[day]["tasks"] == hours
    _, answer = await cache.ask("summarize_tasks", group_by=["hour"])
    assert sum(row[1] for row in answer["rows"]) == 48


@pytest.mark.parametrize(
    ("zone", "minutes"), [("UTC0", 0), ("<+0545>-5:45", 345), ("<-0230>2:30", -150)]
)
async def test_a_recorded_hour_may_be_of_two_days(
    cache: Cache, local_zone: Callable[[str], None], zone: str, minutes: int
) -> None:
    local_zone(zone)
    here = timezone(timedelta(minutes=minutes))
    times = [
        f"2026-08-0{day}T{hour:02}:{minute:02}:00{offset}"
        for offset in ("+00:00", "+05:30", "-02:30", "+05:45")
        for day in (5, 6)
        for hour in range(24)
        for minute in (10, 50)
    ]
    cache.write(*({"submit_time": time} for time in times))
    _, answer = await cache.ask("summarize_tasks", group_by=["day"])
    days = Counter(str(datetime.fromisoformat(time).astimezone(here).date()) for time in times)
    found = {day: group["tasks"] for day, group in by_labels(answer).items()}
    assert found == days


async def test_a_week_begins_on_monday(cache: Cache) -> None:
    cache.write(*({"submit_time": f"2026-11-0{day}T12:00:00+00:00"} for day in range(1, 10)))
    text, answer = await cache.ask("summarize_tasks", group_by=["week"])
    assert WEEK_NOTE in text
    assert WEEK_NOTE in answer["store"]["notes"]
    assert {label: row["tasks"] for label, row in by_labels(answer).items()} == {
        "2026-10-26": 1,
        "2026-11-02": 7,
        "2026-11-09": 1,
    }


async def test_a_day_and_some_hours_are_not_told_as_a_day(cache: Cache) -> None:
    cache.write(
        {"submit_time": "2026-11-01T00:00:00+00:00", "update_time": "2026-11-02T07:12:00+00:00"}
    )
    text, _ = await cache.ask("summarize_tasks")
    assert ", 1.3 d/1.3 d/1.3 d, " in text


async def test_a_text_that_is_not_utf8_among_others_loses_and_doubles_no_task(cache: Cache) -> None:
    cache.write(*({"backend": f"b{number}"} for number in range(30)))
    cache.change("UPDATE tasks SET backend = CAST(x'6227ff' AS TEXT) WHERE task_id = 'task-000015'")
    _, answer = await cache.ask("summarize_tasks", group_by=["status"])
    assert answer["total"] == 30
    assert by_labels(answer)["success"]["tasks"] == 30


async def test_the_filters_are_those_of_lists(cache: Cache) -> None:
    cache.write({"status": "failed"}, {"backend": "ibm:x"}, {})
    _, answer = await cache.ask("summarize_tasks", backend="originq", status=["failed"])
    assert (answer["matching"], answer["total"]) == ('failed tasks on "originq"', 1)
    text, answer = await cache.ask("summarize_tasks", backend="orignq")
    assert answer["total"] == 0
    assert 'Similar ones: "originq' in text


@pytest.mark.parametrize("keys", [["status", "backend", "day"], ["month"], "colour"])
async def test_an_unknown_or_a_third_key_is_refused(cache: Cache, keys: object) -> None:
    cache.write({})
    assert "group_by" in await cache.refusal("summarize_tasks", {"group_by": keys})
