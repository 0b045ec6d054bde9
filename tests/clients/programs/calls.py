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
"""Each address, and a part of what is read there. RECEIPT stands for the receipt of a clear."""

TEMPLATES = _CALLS["templates"]
"""Each template, with an address of it and a part of what is read there."""

BAD_ADDRESSES = _CALLS["bad_addresses"]
"""Addresses that are refused, and a part of the reason."""

PROMPTS = _CALLS["prompts"]
"""Each prompt, with its arguments and a part of its messages."""

BAD_PROMPTS = _CALLS["bad_prompts"]
"""Prompts that are refused, with their arguments and a part of the reason."""

COMPLETIONS = _CALLS["completions"]
"""The beginnings of arguments, and a value that completes each."""

TASK_ID = _CALLS["task_id"]
"""The failed task of the sample."""


def check(condition, *about):
    """End the program with 1 unless a condition holds."""
    if not condition:
        raise SystemExit(f"wrong: {about}")


class ScriptedModel:
    """The calls of a model, which reads no more of the answers than its framework shows it.

    Args:
        own_answers: By the arguments of a call, as JSON, a part of what is shown where the
            framework itself refuses or changes the call.
        more_calls: Calls of other tools that the framework offers, and a part of each answer.
    """

    def __init__(self, own_answers=None, more_calls=()):
        """Begin the conversation."""
        self._more_calls = more_calls
        self._own_answers = own_answers or {}
        self._steps = self._conversation()
        self._begun = False
        self.finished = False
        self.receipt = ""
        """The receipt of a clear that was undone but for tasks of the platform ``dummy``."""

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
        for tool, arguments, part in (*GOOD, *BAD, *self._more_calls):
            seen = yield tool, arguments
            expected = self._own_answers.get(json.dumps(arguments), part)
            check(expected in seen, tool, arguments, seen)
        plan = yield "clear_tasks", {}
        done = yield "clear_tasks", {"plan_id": found(r"plan_[\w-]{22}", plan)}
        self.receipt = found(r"clr_[0-9a-f]{16}", done)
        listed = yield "list_cleared", {}
        check(self.receipt in listed, listed)
        undone = yield "undo_clear", {"receipt": self.receipt, "except_backend": ["dummy"]}
        check(re.search(r'Put back: [1-9]|"restored": ?[1-9]', undone), undone)


def found(pattern, seen):
    """Return the first match of a pattern in what the model sees."""
    match = re.search(pattern, seen)
    check(match, pattern, seen)
    return match[0]
