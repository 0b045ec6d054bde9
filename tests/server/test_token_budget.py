"""The tokens that an answer takes: few for ordinary data, and limited for any data."""

from __future__ import annotations

import importlib
import json
import random
import warnings
from datetime import timedelta
from functools import cache as once
from typing import TYPE_CHECKING, Any, Protocol

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcp import Client

from uniqc_mcp.safety.unicode import strip_invisible
from uniqc_mcp.server import build_server
from uniqc_mcp.settings import ClearSettings, Settings
from uniqc_mcp.token_budget import ANSWER, how_many_fit, max_tokens_of
from uniqc_store import ClearPolicy

if TYPE_CHECKING:
    from pydantic import BaseModel
    from tests.server.conftest import Cache

VOCABULARIES = ("o200k_base", "cl100k_base")

CHIPS = ("originq:WK_C180", "quark:Baihua", "dummy:local:virtual-grid-2x2", "ibm:ibm_fez")
HEX = "".join(random.Random(1).choices("0123456789abcdef", k=5_000))
ZALGO = "".join(f"e{chr(0x300 + n % 112)}{chr(0x300 + n * 7 % 112)}" for n in range(3_000))
_NASTY = {
    "rare Chinese": "龘靐齉爩",
    "emoji": "👩‍👩‍👧‍👦🏴󠁧󠁢󠁥󠁮󠁧󠁿🫠🦤",
    "linear b": "𐀀𐀁𐀂𐀃",
    "hex": HEX,
    "case": "qXzJvQkWxZ",
    "zalgo": ZALGO,
    "quotes": '"\\',
    "lines": "\n\t",
    "punctuation": "~}|@^`#$%&",
    "letters": "qgjvzxkwq",
    "digits": "7",
}
NASTY = {name: (text * 3_000)[:3_000] for name, text in _NASTY.items()}
texts = st.one_of(
    st.sampled_from(sorted(NASTY.values())),
    st.text(min_size=1, max_size=600),
    st.text(alphabet='"\\\n\tqzX7%龘🫠e\u0301', min_size=1, max_size=3_000),
)


class Vocabulary(Protocol):
    def encode(self, text: str, *, disallowed_special: tuple[str, ...]) -> list[int]: ...


@once
def vocabulary(name: str) -> Vocabulary:
    with warnings.catch_warnings():
        # It reads its data with a function that is deprecated in Python 3.11 and 3.12.
        warnings.simplefilter("ignore", DeprecationWarning)
        found: Vocabulary = importlib.import_module("bpe_openai").get_encoding(name)
        return found


def tokens(text: str, *names: str) -> int:
    """Return the number of tokens in the vocabulary that needs the most."""
    return max(
        len(vocabulary(name).encode(text, disallowed_special=())) for name in names or VOCABULARIES
    )


def wire(value: BaseModel | dict[str, Any]) -> str:
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return value.model_dump_json(by_alias=True, exclude_none=True)


def cost(text: str, structured: dict[str, Any]) -> int:
    return tokens(text) + tokens(wire(structured))


def uniqc_id(number: int) -> str:
    return f"uqt_{random.Random(number).getrandbits(128):032x}"


def realistic(count: int, **more: object) -> list[dict[str, object]]:
    return [
        {
            "task_id": uniqc_id(number),
            "status": ("running", "pending")[number % 2],
            "backend": CHIPS[number % 4],
            "shots": (1000, 1000, 4096, 10_000)[number % 4],
            "metadata_json": json.dumps({"task_name": f"VQE H2, ansatz step {number}"}),
            "submit_time": f"2026-11-03T1{number % 7}:{number % 60:02}:54.123456+00:00",
            "update_time": f"2026-11-03T17:{number % 60:02}:54.123456+00:00",
            **more,
        }
        for number in range(count)
    ]


def record(text: str, number: int = 0) -> dict[str, object]:
    """Return a task with this text in every field."""
    return {
        "task_id": f"{number} {text}",
        "backend": text,
        "status": text,
        "shots": 2**63 - 1,
        "error_message": text,
        "metadata_json": json.dumps({"task_name": text, text: [text[:90]] * 250, "language": text}),
        "result_json": json.dumps({"error": text, text: text}),
        "submit_time": "2026-11-03T12:00:00",
        "update_time": "2026-11-03T12:00:00",
    }


def shard(number: int, text: str) -> tuple[object, ...]:
    time = "2026-11-03T12:00:00"
    return ("task", number, text, text, 2**62, 0, text, None, text, time, time)


INSERT_SHARD = "INSERT INTO task_shards VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


def may_clear(cache: Cache) -> Client:
    policy = ClearPolicy(min_age=timedelta(0))
    return Client(build_server(cache.store, Settings(clearing=ClearSettings(policy=policy))))


# The descriptions that every client loads at its start.


async def test_the_tools_are_described_in_few_tokens(module_cache: Cache) -> None:
    async with module_cache.client() as client:
        assert tokens(wire(await client.list_tools())) <= 2_700
    async with may_clear(module_cache) as client:
        assert tokens(wire(await client.list_tools())) <= 3_500


# Ordinary data.


async def test_a_list_of_twenty_running_tasks_takes_few_tokens(cache: Cache) -> None:
    text, structured = await cache.write(*realistic(20)).ask("list_tasks")
    assert structured["shown"] == 20
    # With the path of a user, as that of a test is longer.
    assert tokens(text.replace(str(cache.path), "~/.uniqc/cache/tasks.sqlite")) <= 1_250
    assert tokens(wire(structured)) <= 2_500


async def test_a_page_of_a_hundred_ordinary_tasks_holds_most_of_them(cache: Cache) -> None:
    cache.write(*realistic(100))
    text, structured = await cache.ask("list_tasks", limit=100)
    assert structured["shown"] >= 75
    assert f"{structured['shown']} shown" in text
    assert structured["store"]["notes"] == [
        f"There is room for {structured['shown']} of the 100 tasks asked for."
    ]
    rest = await cache.ask("list_tasks", limit=100, cursor=structured["next_cursor"])
    ids = [task["task_id"] for task in (*structured["tasks"], *rest[1]["tasks"])]
    assert sorted(ids) == sorted(uniqc_id(number) for number in range(100))


async def test_a_result_of_twenty_qubits_takes_few_tokens(cache: Cache) -> None:
    dice = random.Random(20)
    counts = {f"{key:020b}": dice.randrange(1, 9) for key in dice.sample(range(2**20), 10**5)}
    task = {
        "task_id": uniqc_id(1),
        "shots": sum(counts.values()),
        "result_json": json.dumps(counts),
        "metadata_json": json.dumps(
            {
                "task_name": "QAOA, 20 qubits",
                "circuits": ["QINIT 20"],
                "circuit_language": "OriginIR",
            }
        ),
    }
    text, structured = await cache.write(task).ask("get_task", task_id=uniqc_id(1))
    assert structured["task"]["result"]["distinct"] == 10**5
    assert tokens(text) <= 900
    assert tokens(wire(structured)) <= 900


# Any data.


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY)
async def test_a_list_of_long_records_holds_as_many_as_fit(cache: Cache, text: str) -> None:
    cache.write(*(record(text[:1_000], number) for number in range(100)), version=5)
    said, structured = await cache.ask("list_tasks", status="any", limit=100)
    assert cost(said, structured) <= ANSWER
    assert 5 <= structured["shown"] == len(structured["tasks"]) < 100
    assert structured["total"] == 100
    assert structured["next_cursor"]
    assert tokens(await cache.read("uniqc://tasks/active")) <= ANSWER
    _, rest = await cache.ask(
        "list_tasks", status="any", limit=100, cursor=structured["next_cursor"]
    )
    assert rest["tasks"][0]["task_id"] not in {task["task_id"] for task in structured["tasks"]}


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY)
async def test_a_task_with_long_text_in_every_field_stays_within_the_budget(
    cache: Cache, text: str
) -> None:
    task = {**record(text), "task_id": "task"}
    cache.write(task, version=5)
    for number in range(60):
        cache.change(INSERT_SHARD, *shard(number, text))
    said, structured = await cache.ask("get_task", task_id="task", outcomes=50)
    assert cost(said, structured) <= ANSWER
    shown = len(structured["task"]["shards"])
    assert f"{60 - shown} more platform jobs are not shown" in said
    assert tokens(await cache.read("uniqc://task/task")) <= ANSWER


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY)
async def test_the_answer_to_an_id_of_any_length_stays_within_the_budget(
    cache: Cache, text: str
) -> None:
    cache.write(*(record(text, number) for number in range(30)), version=5)
    prefix = f"1 {text}"[:200]
    for reference in (prefix, text, f"{text}?"):
        async with cache.client() as client:
            result = await client.call_tool("get_task", {"task_id": reference})
        said, structured = cache.text(result), result.structured_content
        assert tokens(said) + (0 if structured is None else tokens(wire(structured))) <= ANSWER
    said, structured = await cache.ask("get_task", task_id=f"7 {text}")
    assert cost(said, structured) <= ANSWER


@pytest.mark.parametrize(
    "arguments",
    [
        {"status": "龘" * 9_000},
        {"龘" * 9_000: 1, "🫠" * 9_000: 2, "x": "龘" * 9_000},
        {"limit": "🫠" * 9_000},
        {"cursor": "龘" * 9_000},
        {"submitted_after": '"\\' * 9_000},
    ],
)
async def test_the_refusal_of_long_arguments_is_short(
    cache: Cache, arguments: dict[str, Any]
) -> None:
    assert tokens(await cache.refusal("list_tasks", arguments)) <= 2_000


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY)
async def test_filters_without_a_match_are_repeated_within_the_budget(
    cache: Cache, text: str
) -> None:
    cache.write(*({"backend": f"{number} {text}"} for number in range(50)))
    for tool in ("list_tasks", "count_tasks"):
        said, structured = await cache.ask(tool, backend=text, name_contains=text)
        assert cost(said, structured) <= ANSWER


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY)
async def test_counts_of_many_labels_show_the_largest_and_count_the_others(
    cache: Cache, text: str
) -> None:
    cache.write(
        *(
            {"backend": f"{number} {text[:200]}", "status": f"{number % 50} {text[:200]}"}
            for number in range(5_000)
        )
    )
    said, structured = await cache.ask("count_tasks", group_by="status_backend")
    assert cost(said, structured) <= ANSWER
    shown = len(structured["groups"])
    assert shown >= 10
    assert (
        f"{5_000 - shown} smaller groups are not shown; {5_000 - shown} tasks are in them" in said
    )
    assert tokens(await cache.read("uniqc://store")) <= ANSWER


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY)
async def test_a_plan_of_many_groups_shows_the_largest(cache: Cache, text: str) -> None:
    cache.write(
        *(
            {
                "task_id": f"{number} {text}",
                "backend": f"{number % 200} {text}",
                "metadata_json": json.dumps({"task_name": text}),
            }
            for number in range(201)
        )
    )
    async with may_clear(cache) as client:
        said, structured = cache.answer(await client.call_tool("clear_tasks", {}))
    assert structured["planned"] == 201
    assert cost(said, structured) <= ANSWER
    assert [group["count"] for group in structured["groups"][:2]] == [2, 1]
    shown = len(structured["groups"])
    assert f"{200 - shown} smaller groups are not shown" in said


HOSTILE_METADATA: dict[str, object] = {
    "ten thousand entries": {f"{number} 龘": "龘" * 30 for number in range(10_000)},
    "long numbers": {str(number): 10**4_000 + number for number in range(200)},
    "deep": json.loads('{"a":[' * 400 + "1" + "]}" * 400),
    "long keys": {f"{number}{'🫠' * 300}": number for number in range(300)},
    "credentials": {f"{'龘' * 90}{number}": {"api_key": "x"} for number in range(300)},
    "lists": [[[f"{number}~" for number in range(50)]] * 50] * 50,
}


@pytest.mark.parametrize("metadata", HOSTILE_METADATA.values(), ids=HOSTILE_METADATA)
async def test_large_metadata_is_shown_in_part(cache: Cache, metadata: object) -> None:
    cache.write({"metadata_json": json.dumps({"all": metadata})})
    said, structured = await cache.ask("get_task", task_id="task-000001")
    assert cost(said, structured) <= ANSWER / 2
    assert "…" in wire(structured["task"]["metadata"])


RESULTS: dict[str, object] = {
    "256 bits": {f"{number:0256b}": number for number in range(1, 300)},
    "hex": {f"{7**80 + number:#066x}": number for number in range(1, 300)},
    "registers": {" ".join(f"{number:0100b}"): 2**60 for number in range(1, 300)},
    "a batch": [{f"{n:0256b}": 2**50 + n for n in range(1, 100)} for _ in range(1_000)],
    "a batch of errors": [{"error": "龘" * 5_000}] * 1_000,
    "fields": {"counts": {"0": 1}, **{f"{'🫠' * 50}{number}": number for number in range(5_000)}},
    "a list": ["龘" * 5_000] * 1_000,
}


DISTINCT = {
    "256 bits": [299],
    "hex": [299],
    "registers": [299],
    "a batch": [99] * 4,
    "a batch of errors": [0] * 4,
    "fields": [1],
    "a list": [0],
}
"""The number of outcomes of each circuit that is shown."""


@pytest.mark.parametrize(
    ("result", "distinct"), [(RESULTS[name], DISTINCT[name]) for name in RESULTS], ids=RESULTS
)
async def test_large_results_are_shown_in_part(
    cache: Cache, result: object, distinct: list[int]
) -> None:
    cache.write({"result_json": json.dumps(result)})
    said, structured = await cache.ask("get_task", task_id="task-000001", outcomes=50)
    assert cost(said, structured) <= ANSWER
    whole = structured["task"]["result"]
    circuits = whole["batch"] or [whole]
    assert [circuit.get("distinct", 0) for circuit in circuits] == distinct
    for circuit in (whole, *circuits):
        shown, most = circuit.get("shown", 0), circuit.get("distinct", 0)
        assert shown == len(circuit["outcomes"]) <= 50
        assert bool(shown) == bool(most)
        assert bool(circuit.get("remaining_probability")) == (most > shown)


async def test_outcomes_that_do_not_fit_count_as_remaining(cache: Cache) -> None:
    counts = {" ".join(f"{number:0100b}"): 1 for number in range(100)}
    cache.write({"result_json": json.dumps(counts), "shots": 100})
    said, structured = await cache.ask("get_task", task_id="task-000001", outcomes=50)
    result = structured["task"]["result"]
    assert 0 < result["shown"] < 50
    assert result["remaining_probability"] == pytest.approx(1 - result["shown"] / 100)
    assert f"no room for: {50 - result['shown']}." in said


async def test_ten_thousand_platform_jobs_stay_within_the_budget(cache: Cache) -> None:
    cache.write({"task_id": "task"}, version=5)
    cache.change(
        "INSERT INTO task_shards WITH RECURSIVE n(i) AS "
        "(SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 9999) "
        "SELECT 'task', i, 'job' || i, 'ibm', 1, 0, 'failed' || i % 40, NULL, ?, '', '' FROM n",
        "龘" * 3_000,
    )
    said, structured = await cache.ask("get_task", task_id="task")
    assert cost(said, structured) <= ANSWER
    assert structured["task"]["shards"]
    assert len(structured["task"]["damaged"]) <= 25
    assert f"{10_000 - len(structured['task']['shards'])} more platform jobs" in said


@settings(
    deadline=None,
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(texts, texts, texts, st.integers(0, 50))
async def test_answers_about_random_records_stay_within_the_budget(
    cache: Cache, name: str, error: str, label: str, outcomes: int
) -> None:
    for path in cache.directory.iterdir():
        path.unlink()
    tasks = [
        {
            **record(label, number),
            "error_message": error,
            "metadata_json": json.dumps({"task_name": name, name: {error: label}}),
            "result_json": json.dumps({f"{n:b}": n for n in range(len(label))} | {"error": name}),
        }
        for number in range(30)
    ]
    tasks[0]["task_id"] = "task"
    cache.write(*tasks, version=5)
    for tool, arguments in (
        ("list_tasks", {"status": "any", "limit": 100}),
        ("count_tasks", {"group_by": "status_backend"}),
        ("get_task", {"task_id": "task", "outcomes": outcomes}),
    ):
        said, structured = await cache.ask(tool, **arguments)
        assert cost(said, structured) <= ANSWER


@pytest.mark.parametrize(
    ("sizes", "tokens_left", "fit"),
    [([], 0, 0), ([5, 5, 5], 10, 2), ([5, 5, 5], 9, 1), ([11, 1], 10, 0), ([0, 0], 0, 2)],
)
def test_items_fit_while_their_sum_is_within_the_limit(
    sizes: list[int], tokens_left: int, fit: int
) -> None:
    assert how_many_fit(sizes, tokens_left) == fit


@pytest.mark.parametrize(
    ("text", "most"),
    [
        ("", 0),
        ("ab", 2),
        ("abcdef", 4),
        ("1", 1),
        ("123", 1),
        ("1234", 2),
        ("ABC", 3),
        ("a1", 2),
        ('"\\\n\t', 8),
        ("龘", 3),
        ("é", 2),
    ],
)
def test_the_token_estimate_counts_bytes_and_discounts_letters_and_digits(
    text: str, most: int
) -> None:
    assert max_tokens_of(text) == most


@settings(deadline=None)
@given(texts)
def test_the_real_number_of_tokens_hardly_exceeds_the_estimate(text: str) -> None:
    text = strip_invisible(text, multiline=True)
    taken = tokens(json.dumps(text, ensure_ascii=False))
    assert taken <= 1.1 * max_tokens_of(text) + 4
