"""Pages of tasks, by every filter and every pair of filters, in one process."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import combinations
from typing import TYPE_CHECKING

from benchmarks import mix
from benchmarks.measure.uniqc_store import UNIQC, load
from benchmarks.mix import NEWEST, OLDEST, Mix
from benchmarks.recording import OURS, Contender, Measurement, interleaved
from uniqc_store import Order, TaskFilter, TaskStore

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from benchmarks.setting import Setting

GROUP = "lists"
PAGE = 50
AGAIN = ", again"
_DEEPEST = 20_000
_SPAN = NEWEST - OLDEST

FILTERS: dict[str, dict[str, TaskFilter]] = {
    "status": {
        "success (common)": TaskFilter(status=mix.COMMON_STATUS),
        "running (rare)": TaskFilter(status=mix.RARE_STATUS),
        "active": TaskFilter(status="active"),
        "queued (absent)": TaskFilter(status="queued"),
    },
    "backend": {
        "WK_C180 (common)": TaskFilter(backend=mix.COMMON_BACKEND),
        "tianyan176 (rare)": TaskFilter(backend=mix.RARE_BACKEND),
        "platform originq": TaskFilter(backend="originq"),
        "nowhere (absent)": TaskFilter(backend="nowhere"),
    },
    "time": {
        "all but the newest 10 %": TaskFilter(submitted_before=NEWEST - _SPAN / 10),
        "newest 0.1 %": TaskFilter(submitted_after=NEWEST - _SPAN / 1000),
        "oldest 0.1 %": TaskFilter(submitted_before=OLDEST + _SPAN / 1000),
        "future (absent)": TaskFilter(submitted_after=NEWEST),
    },
    "name": {
        "vqe (common)": TaskFilter(name_contains=mix.COMMON_NAME),
        "figure (rare)": TaskFilter(name_contains=mix.RARE_NAME),
        "no such name (absent)": TaskFilter(name_contains="no such name"),
    },
}
_SPREAD, _SHUFFLED = "active tasks spread evenly: ", "added in no order: "
REALISTIC = f"(?!{_SPREAD}|{_SHUFFLED}).* page"
"""A pattern for pages of the stores with the usual order of tasks."""
NOT_SEARCHED = r"(?!.*name (?:figure|no such name) ).* page"
"""A pattern for pages that no rare or absent name decides."""
PLAIN = "status any"
TOUCHED = "updated in the last 24 h, newest touched first"
PLAIN_PAGE = "a plain page"
_MORE_STATUSES = {
    "any": TaskFilter(),
    "failed": TaskFilter(status="failed"),
    "finished": TaskFilter(status="finished"),
}


def questions() -> dict[str, TaskFilter]:
    """Return each filter and each pair of filters, by its name in the report."""
    singles = {
        f"{kind} {words}": task_filter
        for kind, filters in (*FILTERS.items(), ("status", _MORE_STATUSES))
        for words, task_filter in filters.items()
    }
    pairs = {
        f"{one} {words}, {other} {other_words}": _both(task_filter, other_filter)
        for (one, filters), (other, other_filters) in combinations(FILTERS.items(), 2)
        for words, task_filter in filters.items()
        for other_words, other_filter in other_filters.items()
    }
    return singles | pairs


def measure(setting: Setting) -> list[Measurement]:
    """Measure every question at every size, and uniqc's own store if it has such a filter."""
    recent = setting.caches()
    spread = {size: setting.stores.of(Mix(size=size, spread=True)) for size in setting.sizes}
    shuffled = {size: setting.stores.of(Mix(size=size, shuffled=True)) for size in setting.sizes}
    asked = questions()
    about_active = {
        words: task_filter
        for words, task_filter in asked.items()
        if task_filter.status in {"active", mix.RARE_STATUS}
    }
    by_labels = {
        words: task_filter for words, task_filter in asked.items() if task_filter.only_by_label
    }
    return [
        *_measured(setting, recent, asked, ""),
        *_measured(setting, spread, about_active, _SPREAD),
        *_measured(setting, shuffled, by_labels, _SHUFFLED),
        *_measured_touched(setting, recent),
    ]


def _measured_touched(setting: Setting, caches: Mapping[int, Path]) -> Iterator[Measurement]:
    """Measure a page by update time, of which no index knows, beside a plain page."""
    setting.tell(f"lists: {TOUCHED}")
    last_day = TaskFilter(updated_after=NEWEST - timedelta(days=1))
    for size, cache_dir in caches.items():
        contender = partial(Contender, what=TOUCHED, size=size)
        touched = partial(_search_without_cache, cache_dir, last_day, order="updated")
        plain = partial(_search_without_cache, cache_dir, TaskFilter())
        yield from interleaved(
            GROUP,
            [contender(who=OURS, call=touched), contender(who=PLAIN_PAGE, call=plain)],
            repeats=setting.repeats,
            seconds_each=setting.seconds_each,
        )


def _measured(
    setting: Setting, caches: Mapping[int, Path], asked: Mapping[str, TaskFilter], mark: str
) -> Iterator[Measurement]:
    for number, (words, task_filter) in enumerate(asked.items(), 1):
        setting.tell(f"lists, {number} of {len(asked)}: {mark}{words}")
        contenders = [
            contender
            for size, cache_dir in caches.items()
            for contender in _contenders(setting, mark + words, task_filter, size, cache_dir)
        ]
        yield from interleaved(
            GROUP, contenders, repeats=setting.repeats, seconds_each=setting.seconds_each
        )


def _contenders(
    setting: Setting, words: str, task_filter: TaskFilter, size: int, cache_dir: Path
) -> Iterator[Contender]:
    kept = TaskStore(cache_dir, read_only=True)
    uncached = partial(_search_without_cache, cache_dir, task_filter)
    again = partial(kept.search, task_filter, limit=PAGE)
    pages = {"first page": ""}
    if cursor := _deep_cursor(kept, task_filter):
        pages["later page"] = cursor
    for page, cursor in pages.items():
        rows = len(again(cursor=cursor).records)
        ours = partial(Contender, who=OURS, size=size, rows=rows)
        yield ours(what=f"{words}: {page}", call=partial(uncached, cursor=cursor))
        yield ours(what=f"{words}: {page}{AGAIN}", call=partial(again, cursor=cursor))
    if (equal := _as_uniqc_asks(task_filter)) is not None:
        status, backend = equal
        theirs = load(setting.environments.uniqc_store(), cache_dir)
        call = partial(theirs.list, status=status, backend=backend, limit=PAGE)
        yield Contender(what=f"{words}: first page", who=UNIQC, size=size, call=call)


def _search_without_cache(
    cache_dir: Path, task_filter: TaskFilter, *, cursor: str = "", order: Order = "newest"
) -> object:
    """Return a page from a store without a cache, as after a start or a commit."""
    store = TaskStore(cache_dir, read_only=True)
    return store.search(task_filter, limit=PAGE, cursor=cursor, order=order)


def _deep_cursor(store: TaskStore, task_filter: TaskFilter) -> str:
    """Return a cursor half of the way through, or after 20,000 tasks; empty for a single page."""
    page = store.search(task_filter, limit=_DEEPEST)
    if page.total <= PAGE or page.next_cursor:
        return page.next_cursor
    return store.search(task_filter, limit=page.total // 2).next_cursor


def _as_uniqc_asks(task_filter: TaskFilter) -> tuple[str | None, str | None] | None:
    """Return the status and backend for uniqc's store; None if it has no such filter."""
    (status,) = task_filter.statuses
    groups = status in {"active", "finished"} or task_filter.backend == "originq"
    if groups or not task_filter.only_by_label:
        return None
    return None if status == "any" else status, task_filter.backend or None


def _both(one: TaskFilter, other: TaskFilter) -> TaskFilter:
    plain = TaskFilter()
    changes = {
        name: getattr(other, name)
        for name in ("status", "backend", "submitted_after", "submitted_before", "name_contains")
        if getattr(other, name) != getattr(plain, name)
    }
    return replace(one, **changes)


UNIQC_MAKES_IT = "(?:.*: )?({}): .* page".format(
    "|".join(
        re.escape(words)
        for words, task_filter in questions().items()
        if _as_uniqc_asks(task_filter) is not None
    )
)
"""A pattern for the pages that uniqc's own store can make."""
