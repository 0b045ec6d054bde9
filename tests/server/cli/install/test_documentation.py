"""README and docs/clients.md agree with the table of clients."""

from __future__ import annotations

import re
from pathlib import Path

from uniqc_mcp.cli.install.clients import CLIENTS

ROOT = Path(__file__).parents[4]


def rows(file: str, heading: str) -> list[list[str]]:
    """Return the cells of the table whose first line begins with a heading."""
    lines = (ROOT / file).read_text().splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(heading)) + 2
    table: list[list[str]] = []
    for line in lines[start:]:
        if not line.startswith("|"):
            break
        table.append([cell.strip().strip("`") for cell in line.strip("|").split("|")])
    return table


def test_readme_has_one_line_for_each_client() -> None:
    assert rows("README.md", "| client | command |") == [
        [client.title, f"uniqc-mcp install {client.name}", ", ".join(client.targets)]
        for client in CLIENTS.values()
    ]


def test_the_page_on_clients_has_the_files_and_what_writes_them() -> None:
    asks = {True: "yes", False: "no", None: "not known"}
    assert [row[:4] for row in rows("docs/clients.md", "| client | file on Linux")] == [
        [
            client.title,
            client.targets["user"].places[0].linux.replace("$CONFIG", "~/.config"),
            client.own.program if client.own else "us",
            asks[client.asks],
        ]
        for client in CLIENTS.values()
    ]


def test_the_table_of_hosts_says_the_same_of_asking_a_person() -> None:
    hosts = {
        re.sub(r" ?(CLI)? ?([0-9.]+|\(\*docs\*\))?$", "", row[0]): row[2]
        for row in rows("docs/clients.md", "| host | its model sees")
    }
    known = [client for client in CLIENTS.values() if client.asks is not None]
    assert known
    for client in known:
        told = hosts[client.title.removesuffix(" CLI")]
        assert told.startswith("yes" if client.asks else "no"), client.name
        assert not told.startswith("not"), client.name
