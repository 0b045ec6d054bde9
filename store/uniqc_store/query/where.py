"""Conditions of a statement, and the unary plus that keeps an index away from a column."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Parameters = dict[str, object]
"""Values of a statement's named parameters; ``{"limit": 5}`` is bound to ``:limit``."""

Index = Literal["status", "backend", "time", "rowid"]
"""The one way by which a statement may find tasks.

``status`` and ``backend`` are the indexes on these columns, ``time`` is the index on
``submit_time``, and ``rowid`` stands for no index: the rows are known already.
"""


@dataclass(slots=True)
class Where:
    """A WHERE clause: conditions that are joined by AND, and the values of their parameters.

    Attributes:
        conditions: SQL expressions. A value appears in them as a named parameter only.
        parameters: The value of each parameter that the conditions name.
    """

    conditions: list[str] = field(default_factory=list[str])
    parameters: Parameters = field(default_factory=dict[str, object])

    def add(self, condition: str, **parameters: object) -> None:
        """Add a condition with the values of its parameters."""
        self.conditions.append(condition)
        self.parameters.update(parameters)

    @property
    def sql(self) -> str:
        """The clause with its keyword; empty without conditions."""
        return f"WHERE {' AND '.join(self.conditions)}" if self.conditions else ""


def all_of(*wheres: Where) -> Where:
    """Return a new clause with the conditions of several. A parameter's name has one value."""
    together = Where()
    for where in wheres:
        together.conditions += where.conditions
        together.parameters |= where.parameters
    return together


def indexed(column: str, *, by: Index, only: Index | None) -> str:
    """Return how a condition names a column, so that no index but one can be used.

    SQLite uses no index for an operand of a unary plus
    (https://www.sqlite.org/optoverview.html, "Disqualifying WHERE Clause Terms Using Unary-+").
    Left alone, without statistics in the file, it takes the index of a status that nearly all
    tasks have, and then sorts them all.

    Args:
        column: The column's name.
        by: The index that the column has.
        only: The index to use; None leaves the choice to SQLite.
    """
    return column if only in (None, by) else f"+{column}"
