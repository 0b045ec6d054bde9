"""Completions of prompt arguments and of variables in resource templates."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, get_args

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp.shared.uri_template import UriTemplate
from mcp_types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    Completion,
    CompletionArgument,
    CompletionContext,
    PromptReference,
    ResourceTemplateReference,
)
from tests.server.conftest import check_clean

from uniqc_mcp.completions import MAX_VALUES, ArgumentCompletions
from uniqc_mcp.prompts import PROMPTS
from uniqc_mcp.resources import RESOURCES
from uniqc_mcp.server import build_server
from uniqc_mcp.tasks.filter_arguments import Status
from uniqc_store import TaskFilter, TaskStore

if TYPE_CHECKING:
    from mcp_types import ErrorData
    from tests.server.conftest import Cache, Mode

TASKS = next(spec.uri for spec in RESOURCES if spec.method == "tasks")
TASK = "uniqc://task/{task_id}"
NOT_COMPLETED = ("cursor", "name_contains", "error_contains", "except_backend", "task_ids")

PLAIN: dict[str, object] = {}
EVERY: list[tuple[PromptReference | ResourceTemplateReference, str]] = [
    *(
        (PromptReference(name=spec.name), argument)
        for spec in PROMPTS
        for argument in spec.arguments
    ),
    *(
        (ResourceTemplateReference(uri=spec.uri), variable)
        for spec in RESOURCES
        for variable in UriTemplate.parse(spec.uri).variable_names
    ),
]
"""Each argument of a prompt and each variable of a template."""


def client(cache: Cache, mode: Mode = "auto") -> Client:
    return Client(build_server(cache.store), mode=mode)


def complete(
    cache: Cache, argument: str, text: str = "", *, uri: str = "", **chosen: str
) -> Completion:
    """Call the method directly, for a prompt unless the URI of a template is given."""
    return ArgumentCompletions(cache.store).complete(
        ResourceTemplateReference(uri=uri) if uri else PromptReference(name="explain_differences"),
        CompletionArgument(name=argument, value=text),
        CompletionContext(arguments=chosen),
    )


def offered(cache: Cache, argument: str, text: str = "", **chosen: str) -> list[str]:
    """Return the completions, which must be reported as complete."""
    uri = "" if argument in {"task_id", "other_task_id"} else TASKS
    completion = complete(cache, argument, text, uri=uri, **chosen)
    assert completion.total == len(completion.values)
    assert completion.has_more is False
    return completion.values


def clear_failed(cache: Cache) -> None:
    store = TaskStore(cache.directory)
    store.clear(store.plan_clear(TaskFilter(status="failed")))


async def refused(
    cache: Cache, ref: PromptReference | ResourceTemplateReference, argument: str, mode: Mode
) -> ErrorData:
    async with client(cache, mode) as asking:
        with pytest.raises(MCPError) as caught:
            await asking.complete(ref, {"name": argument, "value": ""})
    check_clean(caught.value.error.message)
    return caught.value.error


# Over the wire


@pytest.mark.parametrize(("ref", "argument"), EVERY)
async def test_each_argument_and_variable_is_completed(
    cache: Cache, mode: Mode, ref: PromptReference | ResourceTemplateReference, argument: str
) -> None:
    cache.write({}, {}, {"status": "failed"})
    clear_failed(cache)
    async with client(cache, mode) as asking:
        completion = (await asking.complete(ref, {"name": argument, "value": ""})).completion
    assert bool(completion.values) == (argument not in NOT_COMPLETED)
    assert completion.total == len(completion.values)
    assert completion.has_more is False


async def test_arguments_already_chosen_filter_the_completions(cache: Cache, mode: Mode) -> None:
    cache.write({}, {"backend": "quark:Baihua"}, {"backend": "quark:Baihua"})
    async with client(cache, mode) as asking:
        found = await asking.complete(
            PromptReference(name="explain_differences"),
            {"name": "other_task_id", "value": "task"},
            {"task_id": "task-000003", "backend": "quark"},
        )
    assert found.completion.values == ["task-000002"]


async def test_a_task_is_completed_by_name_although_that_is_slow(cache: Cache, mode: Mode) -> None:
    cache.write({"metadata_json": json.dumps({"task_name": "ramsey"})})
    async with client(cache, mode) as asking:
        for _ in range(2):
            found = await asking.complete(
                ResourceTemplateReference(uri=TASK), {"name": "task_id", "value": "RAM"}
            )
            assert found.completion.values == ["task-000001"]


# Tasks


def test_an_empty_text_offers_the_newest_tasks(cache: Cache) -> None:
    cache.write({}, {"submit_time": "2026-11-03T13:00:00+00:00"}, {})
    assert offered(cache, "task_id") == ["task-000002", "task-000003", "task-000001"]


def test_a_task_is_offered_by_its_id_its_platform_id_and_its_name(cache: Cache) -> None:
    cache.write(
        {"task_id": "uqt_01", "metadata_json": json.dumps({"task_name": "Ramsey, last night"})},
        {"task_id": "uqt_02"},
        version=5,
        script="""
            INSERT INTO task_shards (uniqc_task_id, shard_index, platform_task_id, backend,
                circuit_count, sub_index_offset, status, submit_time, update_time)
            VALUES ('uqt_02', 0, 'F1', '', 1, 0, '', '', '')
        """,
    )
    assert offered(cache, "task_id", "uqt") == ["uqt_02", "uqt_01"]
    assert offered(cache, "task_id", "F") == ["F1"]
    assert offered(cache, "task_id", "ramsey") == ["uqt_01"]
    assert offered(cache, "task_id", "nowhere") == []


def test_a_chosen_task_is_not_offered_for_comparison_with_itself(cache: Cache) -> None:
    cache.write({}, {})
    assert offered(cache, "other_task_id", task_id="task-000002") == ["task-000001"]
    assert offered(cache, "task_id", other_task_id="task-000001") == ["task-000002"]
    assert offered(cache, "task_id", task_id="task-000001") == ["task-000002", "task-000001"]


def test_a_chosen_backend_and_status_filter_the_tasks(cache: Cache) -> None:
    cache.write({}, {"backend": "quark:Baihua"}, {"backend": "quark:Baihua", "status": "QUEUED"})
    assert offered(cache, "task_id", backend="quark") == ["task-000003", "task-000002"]
    assert offered(cache, "task_id", backend="quark", status="active") == ["task-000003"]
    assert offered(cache, "task_id", "task", status="success", backend="originq") == ["task-000001"]


def test_an_unknown_chosen_status_is_ignored(cache: Cache) -> None:
    assert offered(cache.write({}), "task_id", status="done", backend="") == ["task-000001"]


def test_completions_are_limited_and_say_that_there_are_more(cache: Cache) -> None:
    cache.write(*[PLAIN] * MAX_VALUES)
    assert len(offered(cache, "task_id", "task")) == MAX_VALUES
    cache.change("INSERT INTO tasks SELECT 'task-9', backend, status, 0, submit_time, '', '', '' "
                 "FROM tasks LIMIT 1")  # fmt: skip
    for text in ("", "task"):
        completion = complete(cache, "task_id", text)
        assert len(completion.values) == MAX_VALUES
        assert (completion.total, completion.has_more) == (MAX_VALUES + 1, True)


def test_an_uncounted_total_is_left_out(cache: Cache) -> None:
    cache.write(*[PLAIN] * 3 * MAX_VALUES)
    for text in ("", "task"):
        completion = complete(cache, "task_id", text)
        assert len(completion.values) == MAX_VALUES
        assert (completion.total, completion.has_more) == (None, True)


# Values that may not be shown


@pytest.mark.parametrize(
    "odd",
    ["token=FAKE0123456789abcdef", "ab\u202ecd", "nul\x00", "line\nbreak", "x" * 300, "龘" * 200],
)
def test_a_value_that_would_be_shown_altered_is_not_offered(cache: Cache, odd: str) -> None:
    cache.write({"task_id": odd, "backend": odd}, {})
    assert offered(cache, "task_id") == ["task-000002"]
    assert offered(cache, "task_id", odd[:3]) == []
    assert odd not in offered(cache, "backend")


@pytest.fixture(scope="module")
def labels(module_cache: Cache) -> list[str]:
    """Return the labels in a real file, with their platforms."""
    backends = module_cache.copy("5-0.1.0.sqlite").manifest["tasks"]["by_backend"]
    return sorted({*backends, *(backend.partition(":")[0] for backend in backends)})


@settings(deadline=None)
@given(text=st.text(max_size=5) | st.sampled_from(["ibm", "ibm:", "IBM", "qua", "fez", "f", "10"]))
@example("")
def test_every_completion_matches_the_typed_text(
    module_cache: Cache, labels: list[str], text: str
) -> None:
    for argument in ("task_id", "other_task_id"):
        assert len(complete(module_cache, argument, text).values) <= MAX_VALUES
    typed = text.casefold()
    for label in complete(module_cache, "backend", text, uri=TASKS).values:
        assert label in labels
        assert typed in label.casefold()
    offered_labels = complete(module_cache, "backend", text, uri=TASKS).values
    assert {label for label in labels if label.startswith(text)} <= set(offered_labels)
    for argument, known in (("status", get_args(Status)), ("limit", ("10", "20", "50", "100"))):
        values = complete(module_cache, argument, text, uri=TASKS).values
        assert values == [value for value in known if value.startswith(text)]
    assert complete(module_cache, "cursor", text, uri=TASKS).values == []


@settings(deadline=None)
@given(number=st.integers(0, 82), length=st.integers(1, 36))
def test_a_task_of_a_real_file_is_offered_for_any_prefix_of_its_id(
    module_cache: Cache, labels: list[str], number: int, length: int
) -> None:
    assert labels
    task_id = sorted(module_cache.ids("tasks"))[number]
    assert task_id in complete(module_cache, "task_id", task_id[:length]).values


def test_no_secret_of_a_real_file_is_offered(real_cache: Cache) -> None:
    said: list[str] = []
    for text in ("", "u", "F", "bell", "token"):
        said += complete(real_cache, "task_id", text).values
        said += complete(real_cache, "backend", text, uri=TASKS).values
    assert set(real_cache.ids("tasks")) <= set(said)
    assert not [secret for secret in real_cache.planted if secret in "".join(said)]


async def test_every_completion_from_a_real_file_is_a_valid_argument(real_cache: Cache) -> None:
    ids = complete(real_cache, "task_id").values
    assert sorted(ids) == sorted(real_cache.ids("tasks"))
    backends = complete(real_cache, "backend", uri=TASKS).values
    counts: dict[str, int] = real_cache.manifest["tasks"]["by_backend"]
    assert backends == sorted({*counts, *(label.partition(":")[0] for label in counts)})
    async with real_cache.client() as asking:
        for task_id in ids:
            result = await asking.call_tool("get_task", {"task_id": task_id})
            assert real_cache.answer(result)[1]["task"]["task_id"] == task_id
        for backend in backends:
            result = await asking.call_tool("count_tasks", {"backend": backend})
            of_it = (n for label, n in counts.items() if backend in (label, label.split(":")[0]))
            assert real_cache.answer(result)[1]["total"] == sum(of_it) > 0


# Labels and numbers


def test_backends_are_offered_with_their_platforms(cache: Cache) -> None:
    cache.write({}, {"backend": "quark:Baihua"})
    everything = ["originq", "originq:WK_C180", "quark", "quark:Baihua"]
    assert offered(cache, "backend") == everything
    assert offered(cache, "backend", "qua") == ["quark", "quark:Baihua"]
    assert offered(cache, "backend", "baihua") == ["quark:Baihua"]


def test_the_offered_statuses_are_the_values_of_the_filter(cache: Cache) -> None:
    cache.write({"status": "QUEUED"})
    assert offered(cache, "status") == list(get_args(Status))
    assert offered(cache, "status", "f") == ["finished", "failed"]
    assert offered(cache, "status", "QUE") == []


def test_ages_are_offered_for_times(cache: Cache) -> None:
    assert offered(cache, "submitted_after", "7") == ["7d"]
    assert offered(cache, "submitted_before") == offered(cache, "submitted_after")
    assert offered(cache, "name_contains") == []


def test_limits_are_offered_and_cursors_are_not(cache: Cache) -> None:
    assert offered(cache, "limit", "1") == ["10", "100"]
    assert offered(cache, "cursor") == []


# Errors


@pytest.mark.parametrize(
    ("ref", "argument", "said"),
    [
        (
            PromptReference(name="what"),
            "task_id",
            'There is no prompt "what". Did you mean whats_ru',
        ),
        (
            PromptReference(name="whats_running"),
            "task_id",
            'There is no argument "task_id", nor any',
        ),
        (
            PromptReference(name="why_did_it_fail"),
            "id",
            'There is no argument "id". Did you mean task_id?',
        ),
        (
            ResourceTemplateReference(uri=TASKS),
            "name",
            'There is no argument "name". Did you mean name_contains?',
        ),
        (ResourceTemplateReference(uri="uniqc://store"), "task_id", "There is no template "),
        (ResourceTemplateReference(uri="file:///{path}"), "path", "There is no template "),
    ],
)
async def test_an_unknown_prompt_argument_or_template_is_refused(
    cache: Cache,
    mode: Mode,
    ref: PromptReference | ResourceTemplateReference,
    argument: str,
    said: str,
) -> None:
    error = await refused(cache, ref, argument, mode)
    assert error.code == INVALID_PARAMS
    assert error.message.startswith(said)


async def test_an_unreadable_file_is_an_error(cache: Cache, mode: Mode) -> None:
    cache.path.write_text("not a database, whatever its name")
    error = await refused(cache, ResourceTemplateReference(uri=TASKS), "backend", mode)
    assert error.code == INTERNAL_ERROR
    assert error.message.startswith("The task store can't be read")


def test_without_a_file_nothing_is_offered(cache: Cache) -> None:
    for argument in ("task_id", "backend"):
        assert offered(cache, argument) == []
    assert not list(cache.directory.iterdir())
