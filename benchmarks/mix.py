"""The tasks of the measured stores. The same size always gives the same tasks."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Self, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

RECIPE = 1
"""The version of this module. Raise it with every change: older stores are then replaced."""

STATUS_SHARES = {"failed": 0.01, "cancelled": 0.005, "running": 0.004, "pending": 0.001}
"""The shares of statuses; all other tasks succeeded."""
COMMON_STATUS, RARE_STATUS = "success", "running"

BACKEND_SHARES = {
    "originq:WK_C180": 0.34,
    "dummy:local:simulator": 0.22,
    "ibm:ibm_fez": 0.20,
    "originq:WK_C60": 0.09,
    "quafu:ScQ-P136": 0.06,
    "ibm:ibm_torino": 0.06,
    "quark:Baihua": 0.029,
    "tianyan:tianyan176": 0.001,
}
COMMON_BACKEND, RARE_BACKEND = "originq:WK_C180", "tianyan:tianyan176"

NAMES = ("vqe step", "qaoa depth", "ramsey delay", "readout calibration", "")
COMMON_NAME, RARE_NAME = "vqe", "figure"
RARE_NAME_EVERY = 1000

LARGEST_FILE = 1_000_000
"""The largest number of tasks of a SQLite file. A laboratory's store has more."""

NEWEST = datetime(2026, 11, 1, tzinfo=UTC)
OLDEST = NEWEST - timedelta(days=1000)

MIN_RESULT_BYTES, MAX_RESULT_BYTES = 300, 4000
_RESULTS = 2048
_RECENT = 0.02
_RECENT_ACTIVE = 0.9
_ERRORS = (
    "RuntimeError: platform answered 503: chip in calibration, try again later",
    "TimeoutError: no answer from the platform in 300.0 s",
    "ValueError: gate CNOT q[3], q[7] is not on an edge of the chip's topology",
)

TaskRow: TypeAlias = tuple[str, str, str, int, str, str, str | None, str, str | None]
"""A row of the tasks table, in the order of :data:`TASK_COLUMNS`."""
TASK_COLUMNS = (
    "task_id",
    "backend",
    "status",
    "shots",
    "submit_time",
    "update_time",
    "result_json",
    "metadata_json",
    "error_message",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """A realistic mix of tasks, oldest first unless they are shuffled.

    Attributes:
        size: The number of tasks.
        spread: True if active tasks are spread evenly over all times. Otherwise nine in ten are
            among the newest, as for users who fetch their results.
        shuffled: True if rows are in no order of their times, as after merging caches.
        seed: The seed of the random numbers.
    """

    size: int
    spread: bool = False
    shuffled: bool = False
    seed: int = 4

    @property
    def kind(self) -> str:
        """The kind of mix, in one word."""
        if self.shuffled:
            return "shuffled"
        return "spread" if self.spread else "recent"

    @classmethod
    def of_each_kind(cls, size: int) -> tuple[Self, ...]:
        """Return the three mixes that are measured at a size."""
        return cls(size=size), cls(size=size, spread=True), cls(size=size, shuffled=True)

    def tasks(self) -> Iterator[tuple[TaskRow, str]]:
        """Yield each task, and the id that its platform gave it."""
        dice = random.Random(f"{self.seed} {self.size} {self.spread}")
        statuses = self._statuses(dice)
        results = [_result(dice) for _ in range(_RESULTS)]
        circuits = [_circuit(qubits) for qubits in range(2, 12)]
        backends, shares = list(BACKEND_SHARES), list(BACKEND_SHARES.values())
        numbers = list(range(self.size))
        if self.shuffled:
            random.Random(self.seed).shuffle(numbers)
        for number in numbers:
            status = statuses.get(number, COMMON_STATUS)
            submitted = self.time_of(number)
            platform_id = f"{dice.getrandbits(64):016X}"
            metadata = {"task_name": _name(number, dice), **dice.choice(circuits)}
            if not metadata["task_name"]:
                del metadata["task_name"]
            if number < self.size // 100:
                metadata["legacy_platform_id"] = platform_id
            task = (
                f"uqt_{dice.getrandbits(128):032x}",
                dice.choices(backends, shares)[0],
                status,
                1000,
                submitted.isoformat(),
                (submitted + timedelta(seconds=dice.randrange(1, 3600))).isoformat(),
                dice.choice(results) if status == COMMON_STATUS else None,
                json.dumps(metadata, ensure_ascii=False),
                dice.choice(_ERRORS) if status == "failed" else None,
            )
            yield task, platform_id

    def time_of(self, number: int) -> datetime:
        """Return when a task was submitted. Times are evenly spaced, from the oldest, number 0."""
        step = (NEWEST - OLDEST) / self.size
        # isoformat() would shorten the text of a whole second.
        return (OLDEST + number * step).replace(microsecond=number % 999_999 + 1)

    def _statuses(self, dice: random.Random) -> dict[int, str]:
        """Return the status of each task that did not succeed, by its number."""
        active = self._active_places(dice)
        others = iter(dice.sample(range(self.size), self.size // 20))
        places: dict[int, str] = {}
        for status, share in STATUS_SHARES.items():
            wanted = round(share * self.size)
            source = iter(active) if status in {"running", "pending"} else others
            for place in source:
                if not wanted:
                    break
                if place not in places:
                    places[place] = status
                    wanted -= 1
        return places

    def _active_places(self, dice: random.Random) -> list[int]:
        """Return numbers for active tasks: twice as many as needed, as some may be taken."""
        wanted = 2 * round((STATUS_SHARES["running"] + STATUS_SHARES["pending"]) * self.size)
        if self.spread:
            places = [number * self.size // wanted for number in range(wanted)]
            dice.shuffle(places)
            return places
        recent = self.size - max(int(_RECENT * self.size), wanted)
        newest = dice.sample(range(recent, self.size), wanted)
        return [
            place if dice.random() < _RECENT_ACTIVE else dice.randrange(recent) for place in newest
        ]


def counts_json(outcomes: int, qubits: int, dice: random.Random) -> str:
    """Return counts as uniqc stores them, with this number of distinct outcomes."""
    keys = dice.sample(range(2**qubits), outcomes)
    return json.dumps({f"{key:0{qubits}b}": dice.randrange(1, 200) for key in sorted(keys)})


def _result(dice: random.Random) -> str:
    """Return a result. Sizes are distributed evenly on a logarithmic scale."""
    ratio = MAX_RESULT_BYTES / MIN_RESULT_BYTES
    size = int(MIN_RESULT_BYTES * ratio ** dice.random())
    qubits = dice.randrange(8, 13)
    bytes_per_outcome = qubits + len('"": 100, ')
    min_outcomes = MIN_RESULT_BYTES // bytes_per_outcome + 1
    return counts_json(max(size // bytes_per_outcome, min_outcomes), qubits, dice)


def _circuit(qubits: int) -> dict[str, str]:
    gates = "".join(f"CNOT q[{qubit}], q[{qubit + 1}]\n" for qubit in range(qubits - 1))
    measurements = "".join(f"MEASURE q[{qubit}], c[{qubit}]\n" for qubit in range(qubits))
    return {
        "circuit_ir": f"QINIT {qubits}\nCREG {qubits}\nH q[0]\n{gates}{measurements}",
        "circuit_language": "OriginIR",
    }


def _name(number: int, dice: random.Random) -> str:
    if number % RARE_NAME_EVERY == RARE_NAME_EVERY // 2:
        return f"{RARE_NAME} {number // RARE_NAME_EVERY}"
    name = dice.choice(NAMES)
    return f"{name} {dice.randrange(10_000)}" if name else ""
