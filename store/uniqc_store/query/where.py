"""Conditions of a statement, with the values of their parameters."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

Parameters = dict[str, object]
Index = Literal["status", "backend", "time", "row"]
"""What to go by: the index of a label, or that of the submit time, which is the order of pages, or
none, where it is known which rows are meant."""

_INDEXED = re.compile(r"(?<![:\w])(status|backend|submit_time)\b")


@dataclass(slots=True)
class Where:
    """The conditions of a statement and the values of their parameters."""

    conditions: list[str] = field(default_factory=list[str])
    parameters: Parameters = field(default_factory=dict[str, object])

    def add(self, condition: str, **parameters: object) -> None:
        self.conditions.append(condition)
        self.parameters.update(parameters)

    @property
    def sql(self) -> str:
        return f"WHERE {' AND '.join(self.conditions)}" if self.conditions else ""


def all_of(*wheres: Where) -> Where:
    """Conditions together."""
    together = Where()
    for where in wheres:
        together.conditions += where.conditions
        together.parameters |= where.parameters
    return together


def hide_from_index(condition: str, column: Index, index: Index | None) -> str:
    """The same, with SQLite's unary plus where another index is to serve than the column's own."""
    if index in (None, column):
        return condition
    return _INDEXED.sub(r"+\1", condition)
