"""The tasks that one store answers of: those of a viewer, and of one owner or machine of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from uniqc_mcp.lab.store.conditions import Conditions, Parameters, excludes_successes

if TYPE_CHECKING:
    from uniqc_mcp.lab.database.viewer import Viewer
    from uniqc_store import TaskFilter

FEW_OWNERS: Final = 8
"""Most owners whose tasks are merged. Those of each are planned by themselves: 0.3 ms."""

MANY_OWNERS: Final = 50
"""Owners from which on they are looked up by their hash.

Up to so many the planner estimates how many tasks each has, which finds the few tasks of a few
owners. For 500 that takes 2.9 ms of 3.4, and most tasks are theirs. ``IS TRUE`` keeps the planner
from joining instead.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The tasks that a store answers of.

    Every statement says so itself. The policies of the tables say it again, for a statement that
    forgets to.

    Attributes:
        viewer: The person who asks.
        owner: One of their owners; empty for all.
        store: The id of a store or the name of a machine; empty for all.
    """

    viewer: Viewer
    owner: str = ""
    store: str = ""

    @property
    def owners(self) -> list[str]:
        """The owners of the tasks, sorted."""
        owners = self.viewer.owners
        return sorted(owners & {self.owner} if self.owner else owners)

    @property
    def name(self) -> str:
        """A text that differs for another owner or store."""
        return f"{self.owner}\n{self.store}" if self.owner or self.store else ""

    def conditions(self, table: str) -> Conditions:
        """Return the conditions for the rows of these tasks in a table."""
        found = Conditions()
        if not self.owner and len(self.viewer.owners) > MANY_OWNERS:
            # As one text, of which psycopg need not dump each name for each statement.
            found.add(
                f"({table}.owner IN (SELECT unnest(string_to_array(%(owners)s::text, chr(10)))))"
                " IS TRUE",
                owners=self.viewer.owners_setting,
            )
        elif len(owners := self.owners) == 1:
            # An equation lets the index of the owner give the order of the page too.
            found.add(f"{table}.owner = %(owner)s", owner=owners[0])
        else:
            found.add(f"{table}.owner = ANY(%(owners)s::text[])", owners=owners)
        if hidden := self.viewer.hidden_stores:
            found.add(f"{table}.store_id <> ALL(%(hidden)s::text[])", hidden=sorted(hidden))
        if self.store and table != "store":
            found.add(
                f"({table}.owner, {table}.store_id) IN (SELECT owner, store_id FROM store"
                " WHERE store_id = %(store)s OR machine = %(store)s)",
                store=self.store,
            )
        elif self.store:
            found.add("(store.store_id = %(store)s OR store.machine = %(store)s)", store=self.store)
        return found

    def merges(self, task_filter: TaskFilter) -> bool:
        """Return whether the tasks of each owner are looked for by themselves, and merged.

        By time, the few tasks of a few owners would be looked for among millions of others: a page
        of three owners takes 8 ms of processor time in place of 21. The index of a backend can have
        fewer tasks than an owner has, and so have those of tasks that did not succeed.
        """
        has_fewer = task_filter.by_backend or excludes_successes(task_filter)
        return 1 < len(self.owners) <= FEW_OWNERS and not has_fewer

    def of_each_owner(
        self, where: Conditions, most: int, *, order_by: str = ""
    ) -> tuple[str, Parameters]:
        """Return a statement of the first tasks of each owner, and its parameters.

        Args:
            where: Conditions for the tasks.
            most: The number of tasks of each owner.
            order_by: Their order; empty for any.
        """
        names = {f"each_{number}": owner for number, owner in enumerate(self.owners)}
        ordered = f"ORDER BY {order_by}" if order_by else ""
        # A constant for each, of whose share of the tasks the planner knows.
        each = " UNION ALL ".join(
            f"(SELECT task.* FROM task WHERE task.owner = %({name})s AND {where.sql}"
            f" {ordered} LIMIT {most})"
            for name in names
        )
        return f"SELECT task.* FROM ({each}) AS task", {**where.parameters, **names}

    def of_few_tasks(self, where: Conditions) -> tuple[str, Parameters]:
        """Return a statement that reads the tasks of each owner, and its parameters.

        ``OFFSET 0`` keeps the planner from looking for them otherwise: it expects an average
        number of tasks of an owner whom it does not know.
        """
        statement = f"""
            SELECT task.* FROM unnest(%(each_owner)s::text[]) AS one (owner) CROSS JOIN LATERAL (
                SELECT task.* FROM task WHERE task.owner = one.owner AND {where.sql} OFFSET 0
            ) AS task
        """
        return statement, {**where.parameters, "each_owner": self.owners}
