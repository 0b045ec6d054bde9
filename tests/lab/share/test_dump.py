"""No credential of the corpus is in a dump of the database, whoever should have redacted it."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

from tests.contract.records import StoredJob, StoredTask
from tests.lab.messages import push_of
from tests.lab.postgres import programs
from tests.lab.share.sharing import share
from tests.lab.share.test_secrets import TIME, texts_and_secrets, with_texts
from tests.lab.share.test_with_database import DatabaseServer

from uniqc_mcp.lab.database.ingest import Ingest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.fixtures import LabDatabase

    from uniqc_mcp.lab.database.pool import Database


FOUND = texts_and_secrets()[::7]
"""A part of the corpus, which takes a second. All of it was run once: none was in the dump."""


def dump_of(database: LabDatabase) -> str:
    command = [str(programs() / "pg_dump"), "--inserts", database.admin_address]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def leaked(dump: str) -> set[str]:
    return {
        text
        for text, secret in FOUND
        for form in (secret, json.dumps(secret)[1:-1], json.dumps(json.dumps(secret))[3:-3])
        if form in dump or form.replace("'", "''") in dump
    }


def test_a_dump_after_the_corpus_was_shared_has_none_of_it(
    tmp_path: Path, database: Database, lab_database: LabDatabase
) -> None:
    texts = [text for text, _ in FOUND]
    with_texts(tmp_path, texts)
    assert share(tmp_path, DatabaseServer(database=database)).refused == ()
    dump = dump_of(lab_database)
    assert dump.count("INSERT INTO public.task ") > 2 * len(texts)
    assert leaked(dump) == set()


def test_a_dump_has_none_of_what_a_machine_failed_to_redact(
    database: Database, lab_database: LabDatabase
) -> None:
    tasks: list[StoredTask] = []
    for number, (text, _) in enumerate(FOUND):
        body = json.dumps({"task_name": text, "note": [{"deep": text}]})
        job = StoredJob(platform_task_id=f"p{number}", status=text, error=text, result=body)
        task = StoredTask(
            task_id=f"a{number:05d}",
            backend=text,
            status=text,
            error=text,
            metadata=body,
            result=body,
            submit_time=TIME,
            jobs=(job,),
        )
        tasks.append(task)
    pushed = Ingest(database).push("alice", push_of(enumerate(tasks)))
    dump = dump_of(lab_database)
    assert dump.count("INSERT INTO public.task ") == len(tasks) - len(pushed.refused)
    assert len(pushed.refused) < len(tasks) / 10
    assert leaked(dump) == set()
