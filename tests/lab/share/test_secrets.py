"""No credential of a record leaves the machine, in whatever column and form it stands."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from hashlib import blake2b
from pathlib import Path

import pytest
from tests.lab.share.fake_server import FakeServer
from tests.lab.share.sharing import share
from tests.server.safety.credential_corpus import HARMLESS, KNOWN, NAMED, SECRETS

from uniqc_mcp.lab.share.fingerprints import REDACTION
from uniqc_mcp.lab.share.redacting import Redactor
from uniqc_mcp.safety.redaction import safe_text

STORE = Path(__file__).parents[2] / "data" / "stores" / "5-0.1.0.sqlite"
TIME = "2026-08-01T09:00:00+00:00"

INSERT_TASK = """
    INSERT INTO tasks (task_id, backend, status, shots, submit_time, update_time, result_json,
        metadata_json, error_message)
    VALUES (?, ?, ?, 1, ?, ?, ?, ?, ?)
"""
INSERT_JOB = """
    INSERT INTO task_shards (uniqc_task_id, shard_index, platform_task_id, backend, status,
        result_json, error_message, submit_time, update_time)
    VALUES (?, 0, ?, 'dummy', ?, ?, ?, ?, ?)
"""


def texts_and_secrets() -> list[tuple[str, str]]:
    named = [
        (text.replace("⏎", "\n").replace(r"\u200b", "\u200b").replace("§", secret), secret)
        for number, text in enumerate(NAMED)
        for secret in [SECRETS[number % len(SECRETS)]]
    ]
    return named + [(text, text) for text in KNOWN]


def with_texts(directory: Path, texts: list[str]) -> None:
    """Write a store that has each text in every column that holds text."""
    shutil.copy(STORE, directory / "tasks.sqlite")
    with closing(sqlite3.connect(directory / "tasks.sqlite")) as file, file:
        for number, text in enumerate(texts):
            metadata = json.dumps({"task_name": text, "note": [{"deep": text}]})
            cut = metadata[: -len("]}")]  # no JSON any more
            values = [
                (f"a{number:05d}", "dummy", "failed", json.dumps(text), metadata, text),
                (f"b{number:05d}", text, text, cut, cut, "x"),
            ]
            for task_id, backend, status, result, stored, error in values:
                times = (TIME, TIME) if backend == "dummy" else (text, text)
                file.execute(INSERT_TASK, (task_id, backend, status, *times, result, stored, error))
                file.execute(INSERT_JOB, (task_id, text, status, result, error, *times))


def test_no_credential_of_the_corpus_is_on_the_wire(tmp_path: Path) -> None:
    found = texts_and_secrets()
    with_texts(tmp_path, [text for text, _ in found])
    server = FakeServer()
    assert share(tmp_path, server).refused == ()
    bodies = b"".join(body for _, body in server.requests)
    assert len(server.store.tasks) > 2 * len(found)
    leaked = {
        text
        for text, secret in found
        for form in (secret, json.dumps(secret)[1:-1], json.dumps(json.dumps(secret))[3:-3])
        if form.encode() in bodies
    }
    assert leaked == set()


def test_harmless_texts_arrive_as_they_are(tmp_path: Path) -> None:
    with_texts(tmp_path, list(HARMLESS))
    server = FakeServer()
    share(tmp_path, server)
    for number, text in enumerate(HARMLESS):
        if safe_text(text, multiline=True).hidden:
            continue  # a false alarm, of which tests/server/safety allows one in a hundred
        task = server.store.tasks[f"a{number:05d}", False]
        assert (task.name, task.error) == (text, text)
        assert task.metadata == json.dumps({"task_name": text, "note": [{"deep": text}]})


@pytest.mark.parametrize(
    "stored",
    [
        '{"api_key": "§", "api_key": ""}',
        '{"a": {"b": 1, "token": "§"}, "a": 2}',
        "[" * 30 + '{"api_key": "§"}' + "]" * 30,
        '{"api\\u005fkey": "§"}',
        '{"name": "api_key", "value": "§"}',
        'api_key=§ {"',
        '"api_key=§"',
        "[" * 2_000 + '"api_key=§"',
    ],
)
def test_json_that_hides_a_credential_is_not_sent_as_it_is(stored: str, tmp_path: Path) -> None:
    secret = SECRETS[0]
    with_texts(tmp_path, ["x"])
    with closing(sqlite3.connect(tmp_path / "tasks.sqlite")) as file, file:
        text = stored.replace("§", secret)
        file.execute("UPDATE tasks SET metadata_json = ?, result_json = ?", (text, text))
        file.execute("UPDATE task_shards SET result_json = ?", (text,))
    server = FakeServer()
    share(tmp_path, server)
    assert not server.sent(secret.encode())
    assert server.store.tasks


def test_a_row_that_cannot_be_redacted_goes_without_its_text_and_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_texts(tmp_path, ["harmless " * 20])
    server = FakeServer()

    def fault(*_: object, **__: object) -> None:
        raise RecursionError("planted")

    monkeypatch.setattr("uniqc_mcp.lab.share.redacting.redacted_json", fault)
    monkeypatch.setattr("uniqc_mcp.lab.share.redacting.redacted_text", fault)
    share(tmp_path, server)
    task = server.store.tasks["a00000", False]
    assert (task.metadata, task.result, task.error, task.name) == (None, None, "", "")
    assert {"metadata", "result", "error_message", "jobs[0].result"} <= set(task.damaged)
    assert not server.sent(b"harmless harmless")


def test_nul_is_taken_out_and_named_before_redaction(tmp_path: Path) -> None:
    secret = SECRETS[0]
    with_texts(tmp_path, ["x"])
    with closing(sqlite3.connect(tmp_path / "tasks.sqlite")) as file, file:
        file.execute(
            "UPDATE tasks SET error_message = ? WHERE task_id = 'a00000'",
            (f"api_\0key={secret}",),
        )
        file.execute(
            "UPDATE tasks SET metadata_json = ? WHERE task_id = 'b00000'",
            (json.dumps({"task_name": "a\0b"}),),
        )
    server = FakeServer()
    share(tmp_path, server)
    task = server.store.tasks["a00000", False]
    assert task.error == "api_key=[redacted]"
    assert "error_message" in task.damaged
    assert server.store.tasks["b00000", False].name == "ab"
    assert not server.sent(secret.encode())


def test_large_bodies_stay_at_home_with_their_size(tmp_path: Path) -> None:
    with_texts(tmp_path, ["x"])
    large = json.dumps({"0": "y" * 2**20})
    with closing(sqlite3.connect(tmp_path / "tasks.sqlite")) as file, file:
        file.execute("UPDATE tasks SET result_json = ? WHERE task_id = 'a00000'", (large,))
    server = FakeServer()
    share(tmp_path, server)
    task = server.store.tasks["a00000", False]
    assert (task.result, task.result_bytes) == (None, len(large))
    assert "result" not in task.damaged


def test_a_task_with_large_metadata_keeps_its_name(tmp_path: Path) -> None:
    with_texts(tmp_path, ["x"])
    large = json.dumps({"task_name": f"api_key={SECRETS[0]} run", "note": "y" * 2**20})
    with closing(sqlite3.connect(tmp_path / "tasks.sqlite")) as file, file:
        file.execute("UPDATE tasks SET metadata_json = ? WHERE task_id = 'a00000'", (large,))
    server = FakeServer()
    share(tmp_path, server)
    task = server.store.tasks["a00000", False]
    assert (task.metadata, task.name) == (None, "api_key=[redacted] run")
    assert "metadata" not in task.damaged


REDACTED_IN_VERSION = {1: "ac9b3c311f3ce30c", 2: "9b7e37da5bda425f", 3: "c0b75a8d6d599f5b"}
"""Digests of the redacted corpus by ``REDACTION``."""


def test_redaction_that_finds_more_has_another_version() -> None:
    redactor = Redactor()
    sent = [
        redactor.json("metadata", bytearray(json.dumps({"a": text}).encode()))[0]
        for text in (*(text for text, _ in texts_and_secrets()), *HARMLESS)
    ]
    digest = blake2b(json.dumps(sent).encode(), digest_size=8).hexdigest()
    # If this fails, raise REDACTION and add its digest: then machines send their tasks again.
    assert REDACTED_IN_VERSION.get(REDACTION) == digest
