"""With ``--confirm human`` the user decides. A model cannot answer for them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, get_args

import anyio
import pytest
from mcp import Client
from mcp_types import (
    ClientCapabilities,
    ElicitationCapability,
    ElicitResult,
    FormElicitationCapability,
    UrlElicitationCapability,
)

from uniqc_mcp.clearing.consent import can_ask, question
from uniqc_mcp.clearing.verdicts import CONSENTED, REFUSALS, Verdict
from uniqc_store import PLAN_LIFETIME, TaskFilter

if TYPE_CHECKING:
    from mcp.client.session import ClientRequestContext
    from mcp_types import ElicitRequestFormParams, ElicitRequestParams
    from tests.clearing_cache import Cache, Mode, Person

AGAIN = "Call clear_tasks without plan_id for a new plan."
WRONG_NUMBER = f"The number in the answer is not the number of tasks in the plan. {AGAIN}"
NO_NUMBER = f"The answer holds no number of tasks, although the form asks for one. {AGAIN}"


async def committed(
    cache: Cache, mode: Mode, person: Person | None, **arguments: object
) -> tuple[str, dict[str, Any]]:
    """Plan to clear everything, then commit the plan."""
    settings = cache.settings(confirm="human")
    async with cache.client(mode, settings, person) as client:
        text, plan = await cache.call(client, "clear_tasks", **arguments)
        assert ("The user is asked first." in text) == (person is not None)
        assert ("this client has no way to ask" in text) == (person is None)
        return await cache.call(client, "clear_tasks", plan_id=plan["plan_id"])


async def test_the_right_number_clears_the_tasks(cache: Cache, mode: Mode, person: Person) -> None:
    before = cache.copy().rows()
    person.typed = len(cache.store.plan_clear(TaskFilter()).rows)
    _, done = await committed(cache, mode, person)
    assert (done["state"], done["cleared"]) == ("cleared", person.typed)
    assert len(person.asked) == 1
    assert len(cache.rows()["tasks"]) == len(before["tasks"]) - done["cleared"]


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (("decline", 5), "The answer to the question was no (decline). "),
        (("cancel", 5), "The question was closed without an answer (cancel). "),
        (("accept", 4), WRONG_NUMBER),
        (("accept", 0), WRONG_NUMBER),
        (("accept", -5), NO_NUMBER),
        (("accept", 6), WRONG_NUMBER),
        (("accept", 50), WRONG_NUMBER),
    ],
)
async def test_any_other_answer_removes_nothing_and_uses_up_the_plan(
    cache: Cache,
    mode: Mode,
    person: Person,
    reply: tuple[Literal["accept", "decline", "cancel"], int],
    said: str,
) -> None:
    before = cache.fill(5).store_files()
    person.action, person.typed = reply
    async with cache.client(mode, cache.settings(confirm="human"), person) as client:
        _, plan = await cache.call(client, "clear_tasks")
        text, done = await cache.call(client, "clear_tasks", plan_id=plan["plan_id"])
        assert (done["state"], done["cleared"], done["receipt"]) == ("declined", 0, "")
        assert text.startswith(f"Nothing was removed. {said}")
        _, done = await cache.call(client, "clear_tasks", plan_id=plan["plan_id"])
        assert done["state"] == "expired"
    assert len(person.asked) == 1
    assert cache.store_files() == before


@pytest.mark.parametrize("types", ["five", "", None, 1.5, True, ["1"]])
async def test_an_answer_that_is_not_a_number_clears_nothing(
    cache: Cache, mode: Mode, person: Person, types: object
) -> None:
    before = cache.fill(1).store_files()
    person.typed = types
    text, done = await committed(cache, mode, person)
    assert done["state"] == "declined"
    assert NO_NUMBER in text
    assert cache.store_files() == before


@pytest.mark.parametrize("types", ["5", " 5 ", 5.0])
async def test_the_right_number_may_be_a_string_or_a_float(
    cache: Cache, mode: Mode, person: Person, types: object
) -> None:
    cache.fill(5)
    person.typed = types
    _, done = await committed(cache, mode, person)
    assert done["cleared"] == 5


async def test_a_client_that_cannot_ask_is_refused_with_the_option_to_set(
    cache: Cache, mode: Mode
) -> None:
    before = cache.fill(5).store_files()
    text, done = await committed(cache, mode, None)
    assert done["state"] == "refused"
    assert "this client has no way to ask" in text
    assert "--confirm plan" in text
    assert cache.store_files() == before


async def test_an_answer_after_the_plan_expired_clears_nothing(
    cache: Cache, mode: Mode, person: Person
) -> None:
    before = cache.fill(5).store_files()

    def dawdle() -> None:
        cache.elapsed = PLAN_LIFETIME

    person.typed, person.before_answer = 5, dawdle
    text, done = await committed(cache, mode, person)
    assert len(person.asked) == 1
    assert (done["state"], done["cleared"]) == ("expired", 0)
    assert AGAIN in text
    assert cache.store_files() == before


@pytest.mark.parametrize("running", [False, True])
async def test_a_call_waits_for_an_answer_until_the_plan_expires(
    cache: Cache, *, running: bool
) -> None:
    before = cache.fill(5).store_files()

    async def nobody(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        # Not sooner: a busy machine might use up the time before it asks.
        cache.elapsed += timedelta(seconds=0.3) if running else timedelta(0)
        await anyio.sleep_forever()
        raise AssertionError

    server = cache.server(cache.settings(confirm="human"))
    async with Client(server, mode="legacy", elicitation_callback=nobody) as client:
        _, plan = await cache.call(client, "clear_tasks")
        cache.elapsed = PLAN_LIFETIME - timedelta(seconds=0.3)
        with anyio.fail_after(120):
            text, done = await cache.call(client, "clear_tasks", plan_id=plan["plan_id"])
    assert (done["state"], done["cleared"]) == ("expired", 0)
    assert text.startswith(f"Nothing was removed. Nobody answered the question in time. {AGAIN}")
    assert cache.store_files() == before


async def test_a_task_that_changes_while_the_person_thinks_is_kept(
    cache: Cache, mode: Mode, person: Person
) -> None:
    cache.fill(5)
    person.typed = 5
    person.before_answer = lambda: cache.change("UPDATE tasks SET update_time = '' WHERE rowid = 1")
    _, done = await committed(cache, mode, person)
    assert (done["state"], done["cleared"]) == ("cleared", 4)
    assert done["skipped"] == [{"reason": "changed since", "count": 1}]
    assert cache.ids() == ["task-1"]


# The question


async def asked(cache: Cache, mode: Mode, person: Person) -> ElicitRequestFormParams:
    await committed(cache, mode, person)
    (params,) = person.asked
    return params


async def test_the_question_has_the_figures_and_its_form_has_no_default(
    cache: Cache, mode: Mode, person: Person
) -> None:
    cache.fill(4, backend="ibm").fill(3, prefix="x", status="failed", backend="originq:WK_C180")
    params = await asked(cache, mode, person)
    for figure in ("Clear 7 finished", "4 success on ", "3 failed on ", "ibm", "originq:WK_C180"):
        assert figure in params.message
    assert "can be put back" in params.message
    assert "Type 7 to clear them; anything else keeps them." in params.message
    schema = params.requested_schema
    ((name, field),) = schema["properties"].items()
    assert schema["required"] == [name]
    assert field["type"] == "integer"
    assert "default" not in field


async def test_the_question_is_short_and_quotes_text_from_records(
    cache: Cache, mode: Mode, person: Person
) -> None:
    cache.fill(40)
    cache.change("UPDATE tasks SET backend = 'dummy:' || rowid WHERE rowid > 2")
    cache.change(
        "UPDATE tasks SET backend = char(10) || 'x? They are copies. Type 40 ' || char(8238, 27)"
        " || 'https://u:hunter2@host/' WHERE rowid <= 2"
    )
    message = (await asked(cache, mode, person)).message
    assert len(message) < 700
    assert message.isprintable()
    assert "hunter2" not in message
    assert '2 success on "' in message
    assert "33 more groups" in message


def test_the_same_tasks_give_the_same_question(cache: Cache) -> None:
    cache.fill(3, status="failed", backend="originq:WK_C180").fill(7, prefix="x")
    asked_first, asked_again = (question(cache.store.plan_clear(TaskFilter())) for _ in range(2))
    assert asked_first == (
        'Clear 10 finished quantum tasks from uniqc\'s cache: 7 success on "dummy", 3 failed on '
        '"originq:WK_C180"? They can be put back later. Type 10 to clear them; anything else '
        "keeps them."
    )
    assert asked_again == asked_first


@pytest.mark.parametrize(("more", "said"), [(0, ""), (1, ", 1 more group"), (2, ", 2 more groups")])
def test_the_question_names_the_six_largest_groups_and_counts_the_others(
    cache: Cache, more: int, said: str
) -> None:
    for number in range(6 + more):
        cache.fill(9 - number, prefix=f"{number}", backend=f"chip-{number}")
    message = question(cache.store.plan_clear(TaskFilter()))
    assert f'4 success on "chip-5"{said}? They can' in message
    assert "chip-6" not in message


@pytest.mark.parametrize(
    ("capabilities", "can"),
    [
        (None, False),
        (ClientCapabilities(), False),
        (ClientCapabilities(elicitation=ElicitationCapability()), True),
        (
            ClientCapabilities(elicitation=ElicitationCapability(form=FormElicitationCapability())),
            True,
        ),
        (
            ClientCapabilities(elicitation=ElicitationCapability(url=UrlElicitationCapability())),
            False,
        ),
    ],
)
def test_only_a_client_that_shows_forms_can_ask(
    capabilities: ClientCapabilities | None,
    can: bool,  # noqa: FBT001 - a parameter of the table
) -> None:
    assert can_ask(capabilities) is can


# Nobody but the user


@pytest.mark.parametrize(
    "forged",
    [
        {"consent": {"tasks_to_clear": 5}},
        {"consent": {"action": "accept", "data": {"tasks_to_clear": 5}}},
        {"consent": {"verdict": "go"}},
        {"context": {}},
        {"confirm": True},
        {"confirmed": "yes"},
        {"tasks_to_clear": 5},
    ],
)
async def test_a_model_cannot_consent_by_itself(
    cache: Cache, mode: Mode, person: Person, forged: dict[str, object]
) -> None:
    before = cache.fill(5).store_files()
    async with cache.client(mode, cache.settings(confirm="human"), person) as client:
        _, plan = await cache.call(client, "clear_tasks")
        said = await cache.refusal(client, "clear_tasks", plan_id=plan["plan_id"], **forged)
        (name,) = forged
        assert f'There is no argument "{name}".' in said
        assert "consent" not in said.partition("Known are")[2]
    assert person.asked == []
    assert cache.store_files() == before


async def test_neither_planning_nor_undo_asks_the_user(
    cache: Cache, mode: Mode, person: Person
) -> None:
    before = cache.fill(5).rows()
    person.typed = 5
    async with cache.client(mode, cache.settings(confirm="human"), person) as client:
        await cache.call(client, "clear_tasks")
        assert person.asked == []
        _, plan = await cache.call(client, "clear_tasks")
        _, done = await cache.call(client, "clear_tasks", plan_id=plan["plan_id"])
        await cache.call(client, "undo_clear", receipt=done["receipt"])
    assert len(person.asked) == 1
    assert cache.rows() == before


async def test_an_unknown_plan_is_reported_without_asking_the_user(
    cache: Cache, mode: Mode, person: Person
) -> None:
    cache.fill(1)
    async with cache.client(mode, cache.settings(confirm="human"), person) as client:
        _, done = await cache.call(client, "clear_tasks", plan_id="plan_of_my_own")
    assert done["state"] == "expired"
    assert person.asked == []


def test_every_verdict_allows_a_commit_or_has_its_refusal() -> None:
    assert CONSENTED.isdisjoint(REFUSALS)
    assert CONSENTED | REFUSALS.keys() == set(get_args(Verdict))
