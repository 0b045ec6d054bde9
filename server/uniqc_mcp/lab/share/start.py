"""The parts of ``share`` joined, from what its user wants."""

from __future__ import annotations

import platform
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from uniqc_mcp.lab.share.client import LabClient
from uniqc_mcp.lab.share.fingerprints import Fingerprints
from uniqc_mcp.lab.share.loop import Sharing
from uniqc_mcp.lab.share.sharer import Sharer
from uniqc_mcp.lab.share.state import ShareState, StateFile, changed
from uniqc_store import TaskStore

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path
    from threading import Event

    import httpx2

    from uniqc_mcp.lab.share.sharer import Audience

_MAX_NAME = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The wishes of the user; see ``uniqc-mcp share --help``."""

    address: str
    token: str
    cache_dir: Path
    audience: Audience
    every: float
    ca_file: Path | None = None


@contextmanager
def prepared(
    wanted: Wanted,
    *,
    stop: Event,
    tell: Callable[[str], None],
    transport: httpx2.BaseTransport | None = None,
) -> Generator[Sharing]:
    """Prepare to share one cache directory, and hold its state until the context is left.

    Args:
        wanted: The wishes of the user.
        stop: Set when the program is to end.
        tell: Called with what a person has to know.
        transport: A transport in place of the network.

    Raises:
        ShareRefusedError: The state can't be used, or another process shares the directory.
    """
    file = StateFile(wanted.cache_dir)
    client = LabClient(
        wanted.address,
        wanted.token,
        pause=stop.wait,
        ca_file=wanted.ca_file,
        transport=transport,
    )
    with closing(client), file.locked():
        state = (file.load() or ShareState.new()).at(wanted.address)
        state = changed(state, audience=wanted.audience)
        # Saved before anything is sent: a kill must not leave tasks under a name nobody knows.
        file.save(state)
        sharer = Sharer(
            store=TaskStore(wanted.cache_dir, read_only=True, should_stop=stop.is_set),
            client=client,
            store_id=state.store_id,
            machine=platform.node()[:_MAX_NAME],
            audience=wanted.audience,
            fingerprints=Fingerprints(bytes.fromhex(state.secret)),
            state_path=file.path,
        )
        yield Sharing(sharer, file, state, every=wanted.every, stop=stop, tell=tell)
