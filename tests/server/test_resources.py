"""Resources: their URIs, their contents and their errors."""

from __future__ import annotations

import inspect
import json
import re
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any, get_args
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mcp.shared.uri_template import UriTemplate
from mcp_types import INTERNAL_ERROR, INVALID_PARAMS
from tests.structured_content import Content

from uniqc_mcp.resources import LIST_PARAMETERS, RESOURCES, ReadResources
from uniqc_mcp.tasks.filter_arguments import Status
from uniqc_mcp.tasks.tools import ReadTools
from uniqc_mcp.tasks.uris import task_uri
from uniqc_mcp.tool_registry import BOARD, RESULT
from uniqc_store import TERMINAL_STATUSES

if TYPE_CHECKING:
    from tests.server.conftest import Cache, Mode

Json = dict[str, Any]

ODD_IDS = [
    "job/with:odd id #1?x=%20",
    "../../etc/passwd",
    "..",
    "/etc/passwd",
    "100%25",
    "%2F",
    "a b",
    "what?status=failed",
    "#1",
    "量子-⚛",
    "a+b&c=d",
    "{task_id}",
    "nul\x00byte",
    "[::1]",
    "result",
    "a/result",
]


def parsed(text: str) -> Any:
    """Parse JSON strictly: NaN and infinity are refused."""

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    return json.loads(text, parse_constant=refuse)


def stored_results(cache: Cache) -> dict[str, str]:
    """Return the stored results by id; a live task takes precedence over an archived one."""
    results: dict[str, str] = {}
    with closing(sqlite3.connect(f"{cache.path.as_uri()}?immutable=1", uri=True)) as reading:
        for table, said in cache.manifest.items():
            if said["count"]:
                rows = reading.execute(f"SELECT task_id, coalesce(result_json, '') FROM {table}")
                results = dict(rows.fetchall()) | results
    return results


# The real files.


async def test_every_task_of_a_real_file_can_be_read_in_full(real_cache: Cache) -> None:
    results = stored_results(real_cache)
    shown: list[str] = []
    async with real_cache.client() as client:
        for task_id, stored in results.items():
            answer = Content.of(parsed(await real_cache.read_by(client, task_uri(task_id))))
            task = answer["task"]
            assert task["task_id"] == task_id
            result = await real_cache.read_by(client, task_uri(task_id, "result"))
            of_jobs = task.get("result", {}).get("jobs_with_results")
            # uniqc writes numbers that JSON does not have.
            as_stored = re.sub(r"\b(NaN|Infinity)\b", r'"\1"', stored or "null")
            assert result == as_stored or (of_jobs and not stored)
            circuit = await real_cache.read_by(client, task_uri(task_id, "circuit"))
            assert parsed(circuit).keys() == {"stage", "language", "circuits", "note"}
            assert len(parsed(circuit)["circuits"]) == sum(
                stage["count"] for stage in task["circuits"] if stage["uri"].endswith("/circuit")
            )
            shown += [json.dumps(task, ensure_ascii=False), result, circuit]
    assert not [secret for secret in real_cache.planted if secret in "".join(shown)]


async def test_the_lists_of_a_real_file_match_its_manifest(real_cache: Cache) -> None:
    said = real_cache.manifest
    async with real_cache.client() as client:
        stored = Content.of(parsed(await real_cache.read_by(client, "uniqc://store")))
        active = Content.of(parsed(await real_cache.read_by(client, "uniqc://tasks/active")))
        success = await real_cache.read_by(client, "uniqc://tasks?status=success&limit=100")
        page = Content.of(parsed(success))
    assert stored["total"] == said["tasks"]["count"]
    assert {g["status"]: g["count"] for g in stored["groups"]} == said["tasks"]["by_status"]
    archived = said["archived_tasks"]["count"]
    assert any(f"{archived} more tasks" in note for note in stored["store"]["notes"]) == bool(
        archived
    )
    finished = sum(said["tasks"]["by_status"].get(status, 0) for status in TERMINAL_STATUSES)
    assert active["total"] == len(active["tasks"]) == said["tasks"]["count"] - finished
    assert all(task["active"] for task in active["tasks"])
    assert page["total"] == said["tasks"]["by_status"].get("success", 0)


async def test_the_resource_of_active_tasks_lists_no_others(cache: Cache) -> None:
    statuses = ("running", "success", "QUEUED", "failed", "pending", "cancelled", "")
    cache.write(*({"status": status} for status in statuses))
    active = parsed(await cache.read("uniqc://tasks/active"))
    assert [(task["task_id"], task["status"]) for task in active["tasks"]] == [
        ("task-000007", ""),
        ("task-000005", "pending"),
        ("task-000003", "QUEUED"),
        ("task-000001", "running"),
    ]


async def test_the_resource_of_active_tasks_lists_the_newest_hundred(cache: Cache) -> None:
    cache.write(*[{"status": "running"}] * 105)
    active = parsed(await cache.read("uniqc://tasks/active"))
    newest = [f"task-{number:06}" for number in range(105, 5, -1)]
    assert [task["task_id"] for task in active["tasks"]] == newest
    assert (active["total"], active["shown"]) == (105, 100)


# URIs.


def test_each_resource_has_a_method_and_each_method_is_a_resource() -> None:
    methods = {name for name in vars(ReadResources) if not name.startswith("_")}
    assert sorted(spec.method for spec in RESOURCES) == sorted(methods)


async def test_each_resource_is_listed_by_its_uri(module_cache: Cache, mode: Mode) -> None:
    async with module_cache.client(mode) as client:
        resources = (await client.list_resources()).resources
        templates = (await client.list_resource_templates()).resource_templates
    listed = {resource.uri: resource for resource in resources} | {
        template.uri_template: template for template in templates
    }
    assert listed.keys() == {spec.uri for spec in RESOURCES} | {BOARD, RESULT}
    for spec in RESOURCES:
        resource = listed[spec.uri]
        assert (resource.name, resource.title) == (spec.method, spec.title)
        assert resource.mime_type == "application/json"
        assert resource.description


@pytest.fixture(scope="module")
def odd_cache(module_cache: Cache) -> Cache:
    return module_cache.write(
        *(
            {
                "task_id": task_id,
                "result_json": json.dumps({"00": number}),
                "metadata_json": json.dumps({"circuit_ir": task_id, "circuit_language": "QASM2"}),
            }
            for number, task_id in enumerate(ODD_IDS)
        )
    )


@pytest.mark.parametrize("task_id", ODD_IDS)
async def test_no_character_of_an_id_has_a_special_meaning(odd_cache: Cache, task_id: str) -> None:
    task = parsed(await odd_cache.read(task_uri(task_id)))["task"]
    assert task["result"]["uri"] == task_uri(task_id, "result")
    assert parsed(await odd_cache.read(task["result"]["uri"])) == {"00": ODD_IDS.index(task_id)}
    circuit = parsed(await odd_cache.read(task["circuits"][0]["uri"]))
    assert circuit == {
        "stage": "source",
        "language": "QASM2",
        "circuits": [task_id],
        "note": "",
    }


@given(task_id=st.text(min_size=1))
def test_any_id_can_be_parsed_from_its_uri(task_id: str) -> None:
    for spec in RESOURCES:
        if "{task_id}" in spec.uri:
            part = spec.uri.partition("{task_id}")[2].removeprefix("/")
            matched = UriTemplate.parse(spec.uri).match(task_uri(task_id, part))
            assert matched == {"task_id": task_id.encode(errors="replace").decode()}


@settings(deadline=None)
@given(task_id=st.text(min_size=1, max_size=20))
async def test_any_unknown_id_is_not_found(odd_cache: Cache, task_id: str) -> None:
    if task_id not in ODD_IDS:
        error = await odd_cache.read_error(task_uri(task_id))
        assert error.code == INVALID_PARAMS


@pytest.mark.parametrize("part", ["", "result", "circuit", "circuit/compiled", "circuit/executed"])
async def test_an_unknown_task_gives_the_not_found_error_of_the_protocol(
    odd_cache: Cache, part: str, mode: Mode
) -> None:
    uri = task_uri("uqt_nowhere", part)
    async with odd_cache.client(mode) as client:
        error = await odd_cache.read_error_by(client, uri)
    assert error.code == INVALID_PARAMS
    assert error.data == {"uri": uri}
    assert error.message.startswith('No task has the id "uqt_nowhere".')


@pytest.mark.parametrize(
    "uri",
    [
        "uniqc://nothing",
        "uniqc://task/a/b/c",
        "uniqc://tasks/",
        "uniqc://tasks/failed",
        "uniqc://store/",
        "uniqc://[task",
        "uniqc://tasks\u2100",
        "UNIQC://store",
        "file:///etc/passwd",
        "",
    ],
)
async def test_an_unknown_uri_is_not_found(odd_cache: Cache, uri: str) -> None:
    error = await odd_cache.read_error(uri)
    assert error.code == INVALID_PARAMS
    assert error.message == f"Unknown resource: {uri}"
    assert error.data == {"uri": uri}


# The query of a list.


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("statuss=failed", 'There is no parameter "statuss". Did you mean status? Known are: st'),
        ("status=failed&x", 'There is no parameter "x". Known are: status, backend, submitted_aft'),
        ("sort=", 'There is no parameter "sort". Known are: status, backend, submitted_after, '),
        ("self=1", 'There is no parameter "self". Known are: status, backend, submitted_after, '),
        ("status=any&status=any", "status is given 2 times; give it once"),
        ("limit=&limit=", "limit is given 2 times; give it once"),
        ("submitted_after=soon", "submitted_after must be a date or time such as 2026-11-03 or "),
        ("status=done", f"status must be one of {', '.join(get_args(Status))}"),
        ("limit=0", "limit must be an integer from 1 to 100"),
        ("limit=101", "limit must be an integer from 1 to 100"),
        ("limit=5.0", "limit must be an integer from 1 to 100"),
        ("limit=-5", "limit must be an integer from 1 to 100"),
        ("limit=many", "limit must be an integer from 1 to 100"),
        ("limit=00019999", "limit must be an integer from 1 to 100"),
        ("limit=1" + "0" * 5000, "limit must be an integer from 1 to 100"),
        ("cursor=x", "cursor is not one that a page returned; leave it out for the first page."),
    ],
)
async def test_a_wrong_query_is_refused_with_the_allowed_values(
    odd_cache: Cache, query: str, said: str
) -> None:
    error = await odd_cache.read_error(f"uniqc://tasks?{query}")
    assert error.code == INVALID_PARAMS
    assert error.message.startswith(said)


@pytest.mark.parametrize(
    "uri",
    [
        "uniqc://store?x=1",
        "uniqc://tasks/active?limit=5",
        "uniqc://tasks/active?status=",
        "uniqc://task/task-000001?status=failed",
        "uniqc://task/task-000001/result?outcomes=5",
    ],
)
async def test_a_query_on_a_resource_without_parameters_is_refused(
    odd_cache: Cache, uri: str
) -> None:
    error = await odd_cache.read_error(uri)
    assert error.code == INVALID_PARAMS
    address, _, query = uri.partition("?")
    takes = "no parameters but cursor" if address.endswith("active") else "no parameters"
    assert error.message.startswith(
        f'"{address}" takes {takes}; read it without "{query.partition("=")[0]}". Only '
    )


def test_a_list_by_uri_has_the_parameters_of_the_tool() -> None:
    assert tuple(inspect.signature(ReadTools.list_tasks).parameters)[1:] == LIST_PARAMETERS


async def test_an_empty_parameter_is_absent(odd_cache: Cache) -> None:
    whole = parsed(await odd_cache.read("uniqc://tasks"))
    assert whole["total"] == len(ODD_IDS)
    for name in LIST_PARAMETERS:
        assert parsed(await odd_cache.read(f"uniqc://tasks?{name}=")) == whole
    empty = "&".join(f"{name}=" for name in LIST_PARAMETERS)
    assert parsed(await odd_cache.read(f"uniqc://tasks?{empty}")) == whole
    assert parsed(await odd_cache.read("uniqc://tasks?")) == whole


@pytest.mark.parametrize(
    "filters",
    [
        {"name_contains": "../b"},
        {"submitted_after": "2026-11-03T12:00:00+00:00"},
        {"submitted_before": "2026-11-03", "status": "finished"},
        {"backend": "originq", "submitted_after": "7d"},
    ],
)
async def test_a_list_by_uri_filters_as_the_tool_does(
    odd_cache: Cache, filters: dict[str, str]
) -> None:
    page = parsed(await odd_cache.read(f"uniqc://tasks?{urlencode(filters)}"))
    _, answer = await odd_cache.ask("list_tasks", **{"status": "any", **filters})
    assert page == answer


async def test_pages_by_uri_reach_each_task_once(odd_cache: Cache) -> None:
    found: list[str] = []
    uri = template = "uniqc://tasks?status=success&backend=originq%3AWK_C180&limit=5"
    while uri:
        page = Content.of(parsed(await odd_cache.read(uri)))
        found += [task["task_id"] for task in page["tasks"]]
        uri = f"{template}&cursor={page['next_cursor']}" if page["next_cursor"] else ""
    assert sorted(found) == sorted(task_id.replace("\x00", " ") for task_id in ODD_IDS)


@pytest.mark.parametrize(
    ("limit", "shown"), [("1", 1), ("2", 2), ("0002", 2), ("%EF%BC%92", 2), ("100", len(ODD_IDS))]
)
async def test_the_limit_in_a_uri_is_the_size_of_the_page(
    odd_cache: Cache, limit: str, shown: int
) -> None:
    page = parsed(await odd_cache.read(f"uniqc://tasks?limit={limit}"))
    assert (len(page["tasks"]), page["shown"], page["total"]) == (shown, shown, len(ODD_IDS))


async def test_a_resource_equals_the_answer_of_the_tool(odd_cache: Cache) -> None:
    _, answer = await odd_cache.ask("list_tasks", status="finished", limit=3)
    assert parsed(await odd_cache.read("uniqc://tasks?status=finished&limit=3")) == answer
    assert parsed(await odd_cache.read("uniqc://tasks?limit=%33&status=finished")) == answer
    _, answer = await odd_cache.ask("get_task", task_id="..")
    assert parsed(await odd_cache.read("uniqc://task/..")) == answer


async def test_an_ambiguous_id_lists_the_candidates(cache: Cache) -> None:
    error = await cache.write({}, {}).read_error("uniqc://task/task-00000")
    assert error.code == INVALID_PARAMS
    assert '- "task-000001"' in error.message
    assert '- "task-000002"' in error.message


# Contents.


@pytest.mark.parametrize(
    "stored",
    [
        '{ "00":5,\n"11" : 5 }',
        '{"00": 1e3, "00": 2}',
        "[]",
        "null",
        '"\\ud800\\u202e"',
        '{"11": 5, "备注": "钥匙"}',
        '{"monkey": "ok", "tokens": 512}',
    ],
)
async def test_a_result_without_a_credential_is_returned_byte_for_byte(
    cache: Cache, stored: str
) -> None:
    cache.write({"result_json": stored})
    assert await cache.read("uniqc://task/task-000001/result") == stored


async def test_only_the_credential_in_a_result_is_redacted(cache: Cache) -> None:
    stored = {"counts": {"00": 5}, "token": "hunter2", "half": "\ud800", "备注": "\u202e"}
    cache.write({"result_json": json.dumps(stored)})
    text = await cache.read("uniqc://task/task-000001/result")
    assert parsed(text) == stored | {"token": "[redacted]"}
    assert "\u202e" not in text


async def test_a_result_that_is_not_json_is_returned_with_credentials_redacted(
    cache: Cache,
) -> None:
    cache.write({"result_json": '{"counts": {"00": 5}, "token": "hunter2"'})
    text = await cache.read("uniqc://task/task-000001/result")
    assert text == '{"counts": {"00": 5}, "token": "[redacted]"'


async def test_a_missing_result_is_null(cache: Cache) -> None:
    cache.write({}, {"result_json": ""})
    assert await cache.read("uniqc://task/task-000001/result") == "null"
    assert await cache.read("uniqc://task/task-000002/result") == "null"


async def test_circuits_are_complete_and_invisible_characters_escaped(cache: Cache) -> None:
    circuits = ["QINIT 2\nH q[0]\n" * 10_000, "x\u202e\ud800", "set password=hunter2"]
    cache.write({"metadata_json": json.dumps({"circuits": circuits, "circuit_language": "QASM2"})})
    text = await cache.read("uniqc://task/task-000001/circuit")
    assert text.isascii()
    shown = parsed(text)
    assert shown["language"] == "QASM2"
    assert shown["circuits"] == [*circuits[:2], "set password=[redacted]"]


async def test_nan_and_infinity_in_metadata_are_null(cache: Cache) -> None:
    cache.write({"metadata_json": '{"a": NaN, "b": [Infinity, {"c": -Infinity}]}'})
    task = parsed(await cache.read("uniqc://task/task-000001"))["task"]
    assert task["metadata"] == {"a": None, "b": [None, {"c": None}]}


# The file.


@pytest.mark.usefixtures("home")
async def test_without_a_file_every_list_says_why_it_is_empty(cache: Cache) -> None:
    for uri in ("uniqc://store", "uniqc://tasks/active", "uniqc://tasks"):
        answer = parsed(await cache.read(uri))
        assert answer["total"] == 0
        assert not answer["store"]["exists"]
        assert "there is no file at ~/cache/tasks.sqlite" in answer["store"]["notes"][0]
    error = await cache.read_error("uniqc://task/uqt_0123")
    assert error.code == INVALID_PARAMS
    assert error.message == (
        'There is no task "uqt_0123": uniqc has no task cache yet: there is no file at '
        "~/cache/tasks.sqlite."
    )


async def test_an_unreadable_file_is_an_error_and_not_an_empty_list(cache: Cache) -> None:
    cache.path.write_text("not a database, whatever its name")
    for spec in RESOURCES:
        if spec.uri.startswith("uniqc://cleared"):
            continue  # the copies are in another file, which is as good as before
        uri = spec.uri.replace("{task_id}", "uqt_0123").partition("{")[0]
        error = await cache.read_error(uri)
        assert error.code == INTERNAL_ERROR
        assert error.data == {"uri": uri}
        assert error.message.startswith(
            "The task store can't be read, so nothing is known of any task."
        )
        assert "uniqc-mcp doctor" in error.message
