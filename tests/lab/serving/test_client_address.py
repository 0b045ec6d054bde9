"""The address of a client in the log, behind a reverse proxy and without one."""

from __future__ import annotations

import logging
from typing import Any, cast

import httpx2
import pytest
from tests.lab.http.doors import Doors

from uniqc_mcp.lab.http.open_requests import FIELDS
from uniqc_mcp.lab.serving.settings import LabSettings, SettingsError
from uniqc_mcp.lab.serving.worker import web_config

CLIENT = "203.0.113.7"


@pytest.mark.parametrize(
    ("peer", "proxies", "forwarded", "logged"),
    [
        ("127.0.0.1", (), CLIENT, CLIENT),
        # What a client wrote itself stands before what the proxy adds.
        ("127.0.0.1", (), f"198.51.100.1, {CLIENT}", CLIENT),
        ("127.0.0.1", (), "", "127.0.0.1"),
        ("198.51.100.9", (), CLIENT, "198.51.100.9"),
        ("172.18.0.1", ("172.16.0.0/12",), CLIENT, CLIENT),
    ],
)
async def test_the_log_names_the_client_that_a_known_proxy_names(
    peer: str,
    proxies: tuple[str, ...],
    forwarded: str,
    logged: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    config = web_config(LabSettings(database="", proxies=proxies), Doors().app)
    config.load()
    transport = httpx2.ASGITransport(app=cast("Any", config).loaded_app, client=(peer, 4711))
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    with caplog.at_level(logging.INFO, "uniqc_mcp.lab.http.open_requests"):
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
            assert (await http.post("/mcp", headers=headers, json={})).status_code == 401
    (line,) = (one for one in caplog.records if one.message == "request")
    assert getattr(line, FIELDS)["client"] == logged


def test_a_proxy_that_is_no_address_is_refused() -> None:
    with pytest.raises(SettingsError, match="is no address, such as"):
        LabSettings(database="", proxies=("lab.example.org",))
