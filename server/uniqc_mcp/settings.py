"""The operator's decisions, made once at the start."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from uniqc_mcp.responses.times import exact_duration
from uniqc_store import DEFAULT_CACHE_DIR

if TYPE_CHECKING:
    from pathlib import Path

    from uniqc_store import ClearPolicy

Confirm = Literal["human", "plan"]

KEEP_CLEARED = timedelta(days=30)

MAX_WAIT = 50
"""The longest wait, in seconds. Many clients cut a call after 60."""

DEFAULT_WAIT = 20
"""The seconds that a wait lasts if a call doesn't say. Some clients cut a call after 30."""

HOW_TO_ALLOW = (
    "Whoever runs it can allow clearing with --allow-clear, such as: "
    "uniqc-mcp --allow-clear success,failed --min-age 7d"
)
"""Advice for a caller who wants to clear tasks on a server that only reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearSettings:
    """The operator's limits on clearing.

    Attributes:
        policy: The limits that no call can exceed.
        confirm: ``human``: the client has to ask its user. ``plan``: a plan is enough.
        keep: How long cleared tasks can be put back.
    """

    policy: ClearPolicy
    confirm: Confirm = "human"
    keep: timedelta = KEEP_CLEARED

    def in_words(self) -> str:
        """Return the limits in a phrase, for the model and for ``doctor``."""
        policy = self.policy
        words = [f"{', '.join(policy.statuses)} tasks"]
        if policy.backends:
            words.append(f"on {', '.join(policy.backends)}")
        if policy.min_age:
            words.append(f"untouched for {exact_duration(int(policy.min_age.total_seconds()))}")
        if policy.max_rows is not None:
            words.append(f"at most {policy.max_rows} at a time")
        asked = (
            "a person confirms each, if the client can ask"
            if self.confirm == "human"
            else "the plan suffices"
        )
        return f"{', '.join(words)}; {asked}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of one server.

    Attributes:
        cache_dir: The directory that holds ``tasks.sqlite``.
        clearing: The limits on clearing; None, the default, makes a server that only reads.
        max_wait: The longest wait for tasks, in seconds.
    """

    cache_dir: Path = DEFAULT_CACHE_DIR
    clearing: ClearSettings | None = None
    max_wait: int = MAX_WAIT
