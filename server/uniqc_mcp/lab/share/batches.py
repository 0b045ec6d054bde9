"""Batches of tasks on their way to the server, cut smaller where it does not take them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from uniqc_mcp.lab.exchange import MAX_BATCH_BYTES, MAX_TASKS, VERSION, Key, Task
from uniqc_mcp.lab.share.errors import BatchRefusedError, BatchTooLargeError
from uniqc_mcp.lab.share.outgoing import without_bodies

if TYPE_CHECKING:
    from collections.abc import Sequence

    from uniqc_mcp.lab.share.client import LabClient

_ROOM_FOR_THE_REST: Final = 1_000
"""Bytes of a message beside its tasks and keys."""

_MAX_REFUSED: Final = 50
"""Tasks that may be refused one by one before a pass gives up: then it is not about the tasks."""


class Refused(NamedTuple):
    """A task that the server did not keep, and why."""

    key: Key
    reason: str


@dataclass(slots=True)
class Sent:
    """The outcome of what was sent so far."""

    tasks: int = 0
    gone: int = 0
    refused: list[Refused] = field(default_factory=list[Refused])
    epoch: str = ""
    revision: int = 0

    @property
    def changes(self) -> int:
        """The number of tasks that were sent, are gone, or were refused."""
        return self.tasks + self.gone + len(self.refused)


class _Item(NamedTuple):
    """The JSON of a task, or of the key of one that is gone.

    A batch of two thousand tasks as models would be ten thousand objects, which the garbage
    collector then walks over and over.
    """

    json: bytes
    is_task: bool

    @property
    def key(self) -> Key:
        """The key, which is needed of a task that is refused."""
        if self.is_task:
            return Task.model_validate_json(self.json).key
        return Key.model_validate_json(self.json)


class Batches:
    """Collects tasks and sends them in messages as large as the server takes.

    Args:
        client: The server.
        store_id: The name of the store there.
        revision: The server's revision of the store; None where it is not known.

    Attributes:
        revision: Likewise, as of the last answer.
    """

    def __init__(self, client: LabClient, store_id: str, revision: int | None = None) -> None:
        """Begin with nothing to send."""
        self.sent = Sent()
        self.revision = revision
        self._client = client
        self._store_id = store_id
        self._items: list[_Item] = []
        self._bytes = 0
        self._limit = MAX_BATCH_BYTES - _ROOM_FOR_THE_REST

    def add(self, task: Task) -> None:
        """Add a task, and send what is full."""
        self._add(_item(task))

    def add_gone(self, key: Key) -> None:
        """Add the key of a task that is no longer there, and send what is full."""
        self._add(_Item(key.model_dump_json().encode(), is_task=False))

    def flush(self) -> None:
        """Send what was added.

        Raises:
            OutOfStepError: The server's revision is another one; nothing of the message was taken.
            ShareError: See ``LabClient.push``; single tasks that are refused are only noted.
        """
        items, self._items, self._bytes = self._items, [], 0
        if items:
            self._send(items)

    def _add(self, item: _Item) -> None:
        size = len(item.json)
        if self._items and (len(self._items) >= MAX_TASKS or self._bytes + size > self._limit):
            self.flush()
        self._items.append(item)
        self._bytes += size + 1

    def _send(self, items: Sequence[_Item]) -> None:
        body = self._body(items)
        try:
            pushed = self._client.push(body)
        except BatchTooLargeError as error:
            # Of what was refused. Half of the limit again for each part would end at single tasks.
            self._limit = min(self._limit, max(len(body) // 2, 1))
            self._send_parts(items, error)
        except BatchRefusedError as error:
            self._send_parts(items, error)
        else:
            refused = [Refused(key, reason) for key, reason in pushed.refused]
            tasks = sum(item.is_task for item in items)
            self.sent.tasks += tasks - len(refused)
            self.sent.gone += len(items) - tasks
            self.sent.refused += refused
            self.sent.epoch, self.sent.revision = pushed.epoch, pushed.revision
            self.revision = pushed.revision

    def _send_parts(
        self, items: Sequence[_Item], error: BatchRefusedError | BatchTooLargeError
    ) -> None:
        """Send each half by itself; of one task, note why it was refused."""
        if len(items) > 1:
            middle = len(items) // 2
            self._send(items[:middle])
            self._send(items[middle:])
            return
        (item,) = items
        if isinstance(error, BatchTooLargeError) and item.is_task:
            task = Task.model_validate_json(item.json)
            smaller = without_bodies(task)
            if smaller != task:
                self._send([_item(smaller)])
                return
        self.sent.refused.append(Refused(item.key, str(error)))
        if len(self.sent.refused) > _MAX_REFUSED and not self.sent.tasks:
            raise error

    def _body(self, items: Sequence[_Item]) -> bytes:
        tasks = b",".join(item.json for item in items if item.is_task)
        gone = b",".join(item.json for item in items if not item.is_task)
        revision = "null" if self.revision is None else self.revision
        head = (
            f'{{"version":{VERSION},"store_id":"{self._store_id}","revision":{revision},'.encode()
        )
        return b'%b"tasks":[%b],"gone":[%b]}' % (head, tasks, gone)


def _item(task: Task) -> _Item:
    return _Item(task.model_dump_json().encode(), is_task=True)
