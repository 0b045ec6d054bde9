"""A server of a laboratory in memory: it keeps, by the rules of the exchange, what it is sent."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from threading import Condition
from typing import TYPE_CHECKING

import httpx2
from pydantic import BaseModel, ValidationError

from uniqc_mcp.lab.errors import LabOutOfStepError
from uniqc_mcp.lab.exchange import (
    COMPARE_PATH,
    PUSH_PATH,
    Compare,
    Compared,
    Held,
    Key,
    Problem,
    Push,
    Pushed,
    Range,
    Task,
)
from uniqc_mcp.lab.share.client import LabClient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

TOKEN = "uqm_" + "t" * 43
ADDRESS = "https://lab.example/uniqc/"
MODULUS = 1 << 128

Reply = httpx2.Response
TaskKey = tuple[str, bool]


@dataclass
class KeptStore:
    """The tasks of one store, those that are gone apart."""

    tasks: dict[TaskKey, Task] = field(default_factory=dict[TaskKey, Task])
    gone: set[TaskKey] = field(default_factory=set[TaskKey])
    revision: int = 0
    machine: str = ""
    audience: str = ""


@dataclass
class FakeServer:
    """A server for one owner.

    Attributes:
        max_differing: Ranges of one answer; the others are told by ``more``.
        max_held: Fingerprints of one range in an answer; of a longer one it is the beginning. More
            than a range of a file has tasks, or the end of it would never be settled.
        refuse: Returns a reason to refuse a task, or an empty text.
        before: Called with each request first; a response of it is the answer.
        requests: The bodies of all requests, in order.
        answered: Held while the stores change, and told of each answer.
    """

    stores: dict[str, KeptStore] = field(default_factory=dict[str, KeptStore])
    epoch: str = "one"
    max_differing: int = 100
    max_held: int = 20_000
    refuse: Callable[[Task], str] = lambda _: ""
    before: Callable[[httpx2.Request], Reply | None] = lambda _: None
    requests: list[tuple[str, bytes]] = field(default_factory=list[tuple[str, bytes]])
    answered: Condition = field(default_factory=Condition)

    def client(self, pause: Callable[[float], bool] = lambda _: False) -> LabClient:
        """Return a client that calls this server without a network."""
        transport = httpx2.MockTransport(self.answer)
        return LabClient(ADDRESS, TOKEN, pause=pause, transport=transport)

    @property
    def store(self) -> KeptStore:
        """The only store."""
        (store,) = self.stores.values()
        return store

    def wait_for(self, reached: Callable[[], bool], *, seconds: float = 120) -> None:
        """Return once something is true, which is tested after each answer."""
        with self.answered:
            assert self.answered.wait_for(reached, seconds)

    def answer(self, request: httpx2.Request) -> Reply:
        """Return the answer to a request."""
        try:
            return self._answer(request)
        except LabOutOfStepError as error:
            return problem(409, str(error))
        finally:
            with self.answered:
                self.answered.notify_all()

    def _answer(self, request: httpx2.Request) -> Reply:
        body = request.read()
        self.requests.append((request.url.path, body))
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return problem(401, "unknown token")
        if (early := self.before(request)) is not None:
            return early
        try:
            if request.url.path == f"/uniqc/{COMPARE_PATH}":
                message = Compare.model_validate_json(body)
                with self.answered:
                    return answered(self.compare(message))
            if request.url.path == f"/uniqc/{PUSH_PATH}":
                batch = Push.model_validate_json(body)
                with self.answered:
                    return answered(self.push(batch))
        except ValidationError as error:
            return problem(422, str(error))
        return httpx2.Response(404, text="<html>not found</html>")

    def compare(self, message: Compare) -> Compared:
        store = self.stores.setdefault(message.store_id, KeptStore())
        store.machine, store.audience = message.machine, message.audience
        ends = [end for each in message.ranges for end in (each.after, each.upto)]
        in_order = [end for end in ends if end is not None]
        assert in_order == sorted(in_order)
        assert None not in ends[:-1]
        count, digest = summed(store.tasks.values())
        differing = [
            (each, held_in(store, each)[: self.max_held])
            for each in message.ranges
            if summed(in_range(store, each)) != (each.count, int(each.digest, 16))
        ]
        return Compared(
            epoch=self.epoch,
            revision=store.revision,
            same=(count, digest) == (message.count, int(message.digest, 16)),
            differing=tuple(differing[: self.max_differing]),
            more=len(differing) > self.max_differing,
        )

    def push(self, message: Push) -> Pushed:
        store = self.stores.setdefault(message.store_id, KeptStore())
        if message.revision not in (None, store.revision):
            raise LabOutOfStepError
        store.revision += 1
        refused: list[tuple[Key, str]] = []
        for task in message.tasks:
            if reason := self.refuse(task):
                refused.append((task.key, reason))
                continue
            store.tasks[key_of(task.key)] = task
            store.gone.discard(key_of(task.key))
        for key in message.gone:
            if store.tasks.pop(key_of(key), None) is not None:
                store.gone.add(key_of(key))
        return Pushed(epoch=self.epoch, revision=store.revision, refused=tuple(refused))

    def sent(self, text: bytes) -> bool:
        """Return whether any request had these bytes."""
        return any(text in body for _, body in self.requests)


def key_of(key: Key) -> TaskKey:
    return key.task_id, key.archived


def in_range(store: KeptStore, asked: Range) -> list[Task]:
    after, upto = asked.after.encode(), None if asked.upto is None else asked.upto.encode()
    return [
        task
        for (task_id, _), task in store.tasks.items()
        if task_id.encode() > after and (upto is None or task_id.encode() <= upto)
    ]


def held_in(store: KeptStore, asked: Range) -> tuple[Held, ...]:
    tasks = sorted(in_range(store, asked), key=lambda task: key_of(task.key))
    return tuple(Held(key=task.key, fingerprint=task.fingerprint) for task in tasks)


def summed(tasks: Iterable[Task]) -> tuple[int, int]:
    found = [int(task.fingerprint, 16) for task in tasks]
    return len(found), sum(found) % MODULUS


def answered(message: BaseModel) -> Reply:
    return httpx2.Response(200, content=message.model_dump_json())


def problem(status: int, error: str, retry_after: float | None = None) -> Reply:
    body = Problem(error=error, retry_after=retry_after).model_dump()
    return httpx2.Response(status, content=json.dumps(body))
