"""The calls that each client makes; imported by the programs beside it."""

import json
import re
from pathlib import Path

_CALLS = json.loads(Path(__file__).with_name("calls.json").read_text(encoding="utf-8"))

TOOLS = set(_CALLS["tools"])
GOOD = _CALLS["good"]
"""Calls that are answered, and a part of the answer."""

BAD = _CALLS["bad"]
"""Calls that are refused, and a part of the reason."""

RESOURCES = _CALLS["resources"]
TEMPLATES = set(_CALLS["templates"])
TASK_ID = _CALLS["task_id"]
"""The failed task of the sample."""


def check(condition, *about):
    """End the program with 1 unless a condition holds."""
    if not condition:
        raise SystemExit(f"wrong: {about}")


class ScriptedModel:
    """The calls of a model, which reads no more of the answers than its framework shows it.

    Args:
        own_answers: By the index of a call in `GOOD` and then `BAD`, a part of what is shown where
            the framework itself refuses or changes the call.
    """

    def __init__(self, own_answers=None):
        """Begin the conversation."""
        self._own_answers = own_answers or {}
        self._steps = self._conversation()
        self._begun = False
        self.finished = False

    def next_call(self, seen):
        """Check what the model sees of the last call, and return the next one; None at the end.

        Args:
            seen: The result as the model gets it; ignored before the first call.
        """
        try:
            call = self._steps.send(str(seen)) if self._begun else next(self._steps)
        except StopIteration:
            self.finished = True
            return None
        self._begun = True
        return call

    def _conversation(self):
        for number, (tool, arguments, part) in enumerate(GOOD + BAD):
            seen = yield tool, arguments
            check(self._own_answers.get(number, part) in seen, tool, arguments, seen)
        plan = yield "clear_tasks", {}
        done = yield "clear_tasks", {"plan_id": found(r"plan_[\w-]{22}", plan)}
        undone = yield "undo_clear", {"receipt": found(r"clr_[0-9a-f]{16}", done)}
        check(re.search(r'Put back: [1-9]|"restored": ?[1-9]', undone), undone)


def found(pattern, seen):
    """Return the first match of a pattern in what the model sees."""
    match = re.search(pattern, seen)
    check(match, pattern, seen)
    return match[0]
