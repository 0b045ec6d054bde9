"""The socket of a server: an answer is sent at once, however many parts it has."""

from __future__ import annotations

import asyncio
import socket
from contextlib import closing

import pytest

from uniqc_mcp.lab.serving.workers import listening_at


def is_there(host: str) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as one:
        try:
            one.bind((host, 0))
        except OSError:
            return False
        return True


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        pytest.param(
            "::1",
            marks=pytest.mark.skipif(not is_there("::1"), reason="no IPv6 here"),
        ),
    ],
)
def test_no_part_of_an_answer_waits_for_the_client_to_acknowledge_the_part_before(
    host: str,
) -> None:
    async def no_delay(listening: socket.socket) -> int:
        options: asyncio.Queue[int] = asyncio.Queue()

        async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            accepted = writer.get_extra_info("socket")
            options.put_nowait(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        async with await asyncio.start_server(answer, sock=listening):
            with closing(socket.create_connection(listening.getsockname()[:2])):
                return await options.get()

    with listening_at(host, 0) as listening:
        assert asyncio.run(no_delay(listening))
