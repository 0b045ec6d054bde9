"""Fingerprints, which have to stay what they are from release to release."""

from __future__ import annotations

from uniqc_mcp.lab.share.fingerprints import Fingerprints, hexadecimal
from uniqc_store import StoredJob, StoredTask

_TASK = StoredTask(
    task_id=bytearray(b"uqt_1"),
    archived=0,
    row=7,
    backend=bytearray("dummy:\u91cf\u5b50".encode()),
    status=b"success",
    shots=1000,
    submit_time=bytearray(b"2026-01-02T03:04:05"),
    update_time=1.5,
    metadata_json=bytearray(b"{}"),
    result_json=None,
    error_message=bytearray(),
    archived_at=None,
    jobs=(
        StoredJob(
            task_id=bytearray(b"uqt_1"),
            archived=0,
            shard_index=0,
            platform_task_id=bytearray(b"p"),
            backend=bytearray(b"q"),
            circuit_count=-1,
            sub_index_offset=0,
            status=None,
            submit_time=1.5,
            update_time=0,
            error_message=None,
            result_json=b"",
        ),
    ),
)


def test_a_fingerprint_is_that_of_the_releases_before() -> None:
    # Another one would make every machine send every task again; that is what REDACTION is for.
    found = hexadecimal(Fingerprints(b"s" * 32).of(_TASK))
    assert found == "f87b01fa2669f79649ded583eb678aad"


def test_texts_numbers_and_bytes_that_read_alike_differ() -> None:
    fingerprints = Fingerprints(b"s" * 32)
    alike = [
        _TASK._replace(shots=value)
        for value in (4, 4.0, None, bytearray(b"1000"), b"1000", bytearray(b"None"))
    ]
    parted = [
        _TASK._replace(backend=bytearray(one), status=bytearray(other))
        for one, other in ((b"ab", b"c"), (b"a", b"bc"))
    ]
    tasks = [*alike, *parted, _TASK, _TASK._replace(jobs=_TASK.jobs * 2)]
    assert len({fingerprints.of(task) for task in tasks}) == len(tasks)
