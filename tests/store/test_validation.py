"""A value that can't be stored is refused by name before anything is written."""

from __future__ import annotations

from contextlib import closing
from copy import deepcopy
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.store.conftest import connect, files, insert, with_files

from uniqc_store import InvalidValueError, TaskFilter, TaskInfo, TaskStatus, TaskStore
from uniqc_store.validation import limit

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LONE_SURROGATE = "\ud83d"


def refused_field(store: TaskStore, **fields: Any) -> str:
    """Return the field that a save is refused for, and check that nothing has changed."""
    task = TaskInfo("a", "dummy")
    for name, value in fields.items():
        setattr(task, name, value)
    before = files(store.cache_dir), dict(task.__dict__)
    with pytest.raises(InvalidValueError) as caught:
        store.save(task)
    assert (files(store.cache_dir), task.__dict__) == before
    assert caught.value.field in str(caught.value)
    return caught.value.field


@pytest.mark.parametrize("task_id", ["", None, 5, b"a", LONE_SURROGATE])
def test_an_id_has_to_be_text_and_not_empty(store: TaskStore, task_id: object) -> None:
    assert refused_field(store, task_id=task_id) == "task_id"


@pytest.mark.parametrize("backend", [None, 5, b"dummy", ["dummy"], LONE_SURROGATE])
def test_a_backend_has_to_be_text(store: TaskStore, backend: object) -> None:
    assert refused_field(store, backend=backend) == "backend"


@pytest.mark.parametrize("status", ["", None, 5, LONE_SURROGATE])
def test_a_status_has_to_be_text_and_not_empty(store: TaskStore, status: object) -> None:
    assert refused_field(store, status=status) == "status"


@pytest.mark.parametrize("shots", [None, "1000", 1.0, True, 2**63, -(2**63) - 1])
def test_shots_have_to_be_an_integer_of_64_bits(store: TaskStore, shots: object) -> None:
    assert refused_field(store, shots=shots) == "shots"


@pytest.mark.parametrize("submit_time", [None, 1785574800, LONE_SURROGATE])
def test_a_submit_time_has_to_be_text(store: TaskStore, submit_time: object) -> None:
    assert refused_field(store, submit_time=submit_time) == "submit_time"


@pytest.mark.parametrize("message", [5, b"failed", LONE_SURROGATE])
def test_an_error_message_has_to_be_text(store: TaskStore, message: object) -> None:
    assert refused_field(store, error_message=message) == "error_message"


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        {1, 2},
        b"11",
        Decimal("0.5"),
        object(),
        LONE_SURROGATE,
        {LONE_SURROGATE: 1},
        [[["deep", {"deeper": {1, 2}}]]],
    ],
)
def test_a_value_that_json_can_not_represent_is_refused(store: TaskStore, value: object) -> None:
    assert refused_field(store, result={"counts": value}) == "result"
    assert refused_field(store, metadata={"note": value}) == "metadata"


def test_an_integer_that_python_does_not_print_is_refused(store: TaskStore) -> None:
    assert refused_field(store, result=10**5000) == "result"


@pytest.mark.parametrize("metadata", ["{}", [], 0, False])
def test_metadata_have_to_be_a_dict(store: TaskStore, metadata: object) -> None:
    assert refused_field(store, metadata=metadata) == "metadata"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"task_id": None}, "task_id: must be text, not None"),
        ({"task_id": ""}, "task_id: must not be empty"),
        ({"backend": 5}, "backend: must be text, not int"),
        ({"error_message": LONE_SURROGATE}, "error_message: holds half a surrogate pair"),
        ({"shots": "1000"}, "shots: must be an integer, not str"),
        ({"shots": True}, "shots: must be an integer, not bool"),
        ({"shots": 2**63}, "shots: is beyond 64 bits"),
        ({"metadata": []}, "metadata: must be a dict, not list"),
        ({"result": {None: 1}}, "result: has the key None, which is not text"),
        ({"result": {1: 5, "1": 6}}, "result: has the key 1 both as a number and as text"),
        (
            {"result": {"00": b"1"}},
            "result: is not JSON: Object of type bytes is not JSON serializable",
        ),
    ],
)
def test_the_message_says_what_is_wrong_with_a_field(
    store: TaskStore, fields: dict[str, Any], message: str
) -> None:
    task = TaskInfo("a", "dummy")
    for name, value in fields.items():
        setattr(task, name, value)
    with pytest.raises(InvalidValueError) as caught:
        store.save(task)
    assert str(caught.value) == message


def test_text_in_json_is_stored_without_escapes(store: TaskStore) -> None:
    store.save(TaskInfo("a", "dummy", result={"é": 1}, metadata={"task_name": "贝尔态"}))
    with closing(connect(store.cache_dir)) as uniqc:
        stored = uniqc.execute("SELECT result_json, metadata_json FROM tasks").fetchone()
    assert stored == ('{"é": 1}', '{"task_name": "贝尔态"}')


BAD_KEYS: list[tuple[object, str]] = [
    ({1: 5, "1": 6}, "result.counts"),
    ({"a": {True: 1}}, "result.counts.a"),
    ({None: 1}, "result.counts"),
    ({0.5: 1}, "result.counts"),
    ({("0", "1"): 1}, "result.counts"),
    ([5, {b"00": 1}], "result.counts[1]"),
    ((5, {False: 1}), "result.counts[1]"),
]


@pytest.mark.parametrize(("counts", "place"), BAD_KEYS)
def test_a_key_that_json_would_change_is_refused(
    store: TaskStore, counts: object, place: str
) -> None:
    assert refused_field(store, result={"counts": counts}) == place


def test_a_value_that_contains_itself_is_refused(store: TaskStore) -> None:
    circle: dict[str, Any] = {}
    circle["again"] = [circle]
    assert refused_field(store, result=circle) == "result"
    assert refused_field(store, metadata=circle) == "metadata"


def test_a_value_that_is_nested_too_deeply_is_refused(store: TaskStore) -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    task = TaskInfo("a", "dummy", result=deep)
    with pytest.raises(InvalidValueError) as caught:
        store.save(task)
    assert caught.value.field == "result"


def test_a_refused_update_does_not_change_the_row(store: TaskStore) -> None:
    task = TaskInfo("a", "dummy", result={"00": 1})
    store.save(task)
    stored = store.get("a")
    task.result = {"00": float("nan")}
    with pytest.raises(InvalidValueError):
        store.save(task)
    assert store.get("a") == stored


@pytest.mark.parametrize("shots", [0, -1, 2**63 - 1, -(2**63)])
def test_every_integer_of_64_bits_is_stored(store: TaskStore, shots: int) -> None:
    store.save(TaskInfo("a", "dummy", shots=shots))
    assert [task.shots for task in store.list()] == [shots]


def test_an_integer_of_another_type_is_stored(store: TaskStore) -> None:
    class Count:
        """An integer type such as those of NumPy."""

        def __index__(self) -> int:
            return 12

    shots: Any = Count()
    store.save(TaskInfo("a", "dummy", shots=shots))
    assert [task.shots for task in store.list()] == [12]


def test_integer_keys_become_text(store: TaskStore) -> None:
    counts: Any = {0: 5, 3: {7: 1}}
    store.save(TaskInfo("a", "dummy", result=counts))
    assert [task.result for task in store.list()] == [{"0": 5, "3": {"7": 1}}]


def test_an_enum_in_the_metadata_is_stored_as_its_value(store: TaskStore) -> None:
    store.save(TaskInfo("a", "dummy", metadata={"was": TaskStatus.FAILED}))
    assert [task.metadata for task in store.list()] == [{"was": "failed"}]


def test_metadata_of_none_are_stored_as_empty(store: TaskStore) -> None:
    nothing: Any = None
    store.save(TaskInfo("a", "dummy", metadata=nothing))
    assert [task.metadata for task in store.list()] == [{}]


texts = st.text(st.characters(exclude_categories=["Cs"]))
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=10,
)


@with_files
@given(
    st.builds(
        TaskInfo,
        task_id=texts.filter(bool),
        backend=texts,
        status=st.sampled_from([status.value for status in TaskStatus]),
        result=json_values,
        shots=st.integers(-(2**63), 2**63 - 1),
        submit_time=st.datetimes().map(lambda moment: moment.isoformat()),
        metadata=st.dictionaries(texts, json_values, max_size=3),
    )
)
def test_an_accepted_task_is_returned_unchanged(
    fresh_directory: Callable[[], Path], task: TaskInfo
) -> None:
    store = TaskStore(fresh_directory())
    expected = deepcopy(task)
    store.save(task)
    (stored,) = store.list()
    expected.update_time = task.update_time
    assert stored == expected
    assert store.get(task.task_id) == expected


@pytest.mark.parametrize("number", [0, -1, True, 1.0, "1", 2**63])
def test_a_limit_has_to_be_a_positive_integer(store: TaskStore, number: Any) -> None:
    with pytest.raises(InvalidValueError) as caught:
        store.list(limit=number)
    assert caught.value.field == "limit"
    with pytest.raises(InvalidValueError) as caught:
        store.search(TaskFilter(), limit=number)
    assert caught.value.field == "limit"


def test_the_message_says_what_is_wrong_with_a_limit(store: TaskStore) -> None:
    with pytest.raises(InvalidValueError) as caught:
        store.list(limit=0)
    assert str(caught.value) == "limit: must be 1 or more, or None for all, not 0"


def test_the_largest_limit_returns_all_tasks(store: TaskStore) -> None:
    store.save(TaskInfo("a", "dummy"))
    largest = 2**63 - 1
    assert limit(largest) <= largest
    assert len(store.list(limit=largest)) == 1
    assert store.search(TaskFilter(), limit=largest).total == 1
    assert store.read(lambda snapshot: snapshot.newest_ids(largest)) == ("a",)


@pytest.mark.parametrize("name", ["status", "backend"])
@pytest.mark.parametrize("value", [5, b"success", LONE_SURROGATE])
def test_list_and_count_name_an_argument_that_is_not_text(
    store: TaskStore, name: str, value: object
) -> None:
    arguments: Any = {name: value}
    for ask in (store.list, store.count):
        with pytest.raises(InvalidValueError) as caught:
            ask(**arguments)
        assert caught.value.field == name


@pytest.mark.parametrize("value", [5, None, LONE_SURROGATE])
def test_statuses_to_clear_have_to_be_text(store: TaskStore, value: Any) -> None:
    store.save(TaskInfo("a", "dummy", TaskStatus.SUCCESS))
    with pytest.raises(InvalidValueError) as caught:
        store.clear_completed(["success", value])
    assert caught.value.field == "terminal_statuses"
    assert store.count() == 1


@pytest.mark.parametrize("task_id", [5, None, b"a", LONE_SURROGATE])
def test_an_id_to_get_or_to_delete_has_to_be_text(store: TaskStore, task_id: Any) -> None:
    for ask in (store.get, store.delete):
        with pytest.raises(InvalidValueError) as caught:
            ask(task_id)
        assert caught.value.field == "task_id"


@pytest.mark.parametrize("cache_dir", ["", "a\0b"])
def test_an_invalid_directory_is_refused(cache_dir: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        TaskStore(cache_dir)
    assert caught.value.field == "cache_dir"


@pytest.mark.parametrize(
    ("column", "field"),
    [
        ("task_id", "task_id"),
        ("backend", "backend"),
        ("shots", "shots"),
        ("result_json", "result"),
        ("metadata_json", "metadata"),
    ],
)
def test_a_damaged_field_is_only_overwritten_on_request(
    store: TaskStore, column: str, field: str
) -> None:
    insert(store.cache_dir, **{"task_id": "a", column: b"\xff"})
    (task,) = store.list()
    assert task.damaged == (field,)
    with pytest.raises(InvalidValueError) as caught:
        store.save(task)
    assert caught.value.field == field
    task.damaged = ()
    store.save(task)


def test_an_unknown_status_or_time_can_be_saved_back(store: TaskStore) -> None:
    insert(store.cache_dir, "a", status="QUEUED", submit_time="yesterday", update_time="today")
    (task,) = store.list()
    assert task.damaged == ("status", "submit_time", "update_time")
    store.save(task)
    (saved,) = store.list()
    assert (saved.status, saved.submit_time) == ("QUEUED", "yesterday")
