"""Accounts of clients for people at a scripted model, and how a client is asked."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_QUESTION = "What is running?"

LOOPBACK_ONLY = {
    **dict.fromkeys(
        ("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"), "http://127.0.0.1:9"
    ),
    **dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1"),
}
"""Settings by which a client reaches the scripted model, and nothing else."""


@dataclass(frozen=True, kw_only=True)
class Account:
    """What a client needs for the scripted model, and how it is asked.

    Attributes:
        variables: Environment variables, by the address of the model.
        question: The arguments by which a person asks, by the same address.
        file: A file of the home and its content, by which the client knows the account.
        must_trust: True if the person has to trust the folder first.
    """

    variables: Callable[[str], dict[str, str]]
    question: Callable[[str], list[str]]
    file: tuple[str, str] | None = None
    must_trust: bool = False


def _claude_variables(address: str) -> dict[str, str]:
    return {
        "ANTHROPIC_BASE_URL": address,
        "ANTHROPIC_API_KEY": "scripted",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    }


def _codex_question(address: str) -> list[str]:
    provider = f"name='it',base_url='{address}/v1',wire_api='responses',env_key='SCRIPTED_KEY'"
    settings = ("model=it", "model_provider=it", f"model_providers.it={{{provider}}}")
    options = [word for setting in settings for word in ("-c", setting)]
    return ["codex", "exec", "--skip-git-repo-check", *options, _QUESTION]


def _opencode_variables(address: str) -> dict[str, str]:
    provider = {
        "npm": "@ai-sdk/openai-compatible",
        "name": "scripted",
        "options": {"baseURL": f"{address}/v1", "apiKey": "scripted"},
        "models": {"scripted": {"name": "scripted"}},
    }
    return {
        "OPENCODE_CONFIG_CONTENT": json.dumps({"provider": {"scripted": provider}}),
        "OPENCODE_DISABLE_AUTOUPDATE": "1",
        "OPENCODE_DISABLE_MODELS_FETCH": "1",
    }


ACCOUNTS = {
    "claude-code": Account(
        variables=_claude_variables,
        question=lambda _: [
            *("claude", "-p", _QUESTION, "--allowedTools", "mcp__uniqc__list_tasks")
        ],
    ),
    "codex": Account(variables=lambda _: {"SCRIPTED_KEY": "scripted"}, question=_codex_question),
    "gemini": Account(
        variables=lambda address: {"GOOGLE_GEMINI_BASE_URL": address, "GEMINI_API_KEY": "scripted"},
        # With a model by name, as it would ask another model which to take.
        question=lambda _: [
            *("gemini", "-m", "gemini-3.1-pro-preview", "--approval-mode", "yolo", "-p", _QUESTION)
        ],
        file=(
            ".gemini/settings.json",
            '{"security": {"auth": {"selectedType": "gemini-api-key"}}}',
        ),
        must_trust=True,
    ),
    "opencode": Account(
        variables=_opencode_variables,
        question=lambda _: ["opencode", "run", "-m", "scripted/scripted", _QUESTION],
    ),
}
