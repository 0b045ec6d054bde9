"""The operator's options for clearing, and the values that stop the start."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import click
import pytest
from click.testing import CliRunner, Result

from uniqc_mcp.cli.commands import cli
from uniqc_mcp.cli.options import clear_options, clear_settings
from uniqc_mcp.settings import ClearSettings
from uniqc_store import ClearPolicy

if TYPE_CHECKING:
    from pathlib import Path


def run(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(cli, arguments, env=environment, prog_name="uniqc-mcp")


def settings_of(*arguments: str, **environment: str) -> ClearSettings | None:
    """Return the settings that a command makes from these options."""
    found: list[ClearSettings | None] = []

    @click.command
    @clear_options
    def command(**clearing: object) -> None:
        found.append(clear_settings(**clearing))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - click's

    result = CliRunner().invoke(command, arguments, env=environment)
    assert result.exit_code == 0, result.stderr
    (settings,) = found
    return settings


def test_without_options_nothing_may_be_cleared() -> None:
    assert settings_of() is None


def test_by_default_the_user_is_asked_and_copies_are_kept_for_thirty_days() -> None:
    policy = ClearPolicy(statuses=("success", "failed"))
    expected = ClearSettings(policy=policy, confirm="human", keep=timedelta(days=30))
    assert settings_of("--allow-clear", "success,failed") == expected
    assert settings_of("--allow-clear", " success , failed,success") == expected
    assert settings_of(UNIQC_MCP_ALLOW_CLEAR="success,failed") == expected


EVERYTHING = ClearSettings(
    policy=ClearPolicy(
        statuses=("cancelled",),
        min_age=timedelta(days=7),
        backends=("originq", "ibm:ibm_fez"),
        max_rows=1000,
    ),
    confirm="plan",
    keep=timedelta(weeks=2),
)


def test_every_limit_is_an_option_and_a_variable() -> None:
    options = (
        "--allow-clear cancelled --min-age 7d --clear-backend originq --clear-backend ibm:ibm_fez"
    )
    more = "--max-rows 1000 --confirm plan --keep-cleared 2w"
    assert settings_of(*f"{options} {more}".split()) == EVERYTHING
    variables = {
        "UNIQC_MCP_ALLOW_CLEAR": "cancelled",
        "UNIQC_MCP_MIN_AGE": "7d",
        "UNIQC_MCP_CLEAR_BACKEND": "originq ibm:ibm_fez",
        "UNIQC_MCP_MAX_ROWS": "1000",
        "UNIQC_MCP_CONFIRM": "plan",
        "UNIQC_MCP_KEEP_CLEARED": "2w",
    }
    assert settings_of(**variables) == EVERYTHING
    help_text = " ".join(run("serve", "--help").stdout.split())
    for variable in variables:
        assert f"env var: {variable}" in help_text


def test_an_option_overrides_its_variable() -> None:
    settings = settings_of("--allow-clear", "failed", UNIQC_MCP_ALLOW_CLEAR="success")
    assert settings is not None
    assert settings.policy.statuses == ("failed",)


ALLOWED = ("--allow-clear", "success")


@pytest.mark.parametrize("command", ["serve", "doctor"])
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["--allow-clear", "running"],
            "'running' is not one of success, failed, cancelled, finished.",
        ),
        (["--allow-clear", "success,QUEUED"], "'QUEUED' is not one of"),
        (["--allow-clear", "success,"], "'' is not one of"),
        (["--allow-clear", ""], "'' is not one of"),
        (["--allow-clear", "all"], "'all' is not one of"),
        ([*ALLOWED, "--min-age", "a week"], "'a week' is no duration such as 12h or 30d."),
        ([*ALLOWED, "--min-age", "-7d"], "'-7d' is no duration"),
        ([*ALLOWED, "--min-age", "7"], "'7' is no duration"),
        ([*ALLOWED, "--min-age", ""], "'' is no duration"),
        ([*ALLOWED, "--keep-cleared", ""], "'' is no duration"),
        ([*ALLOWED, "--keep-cleared", "forever"], "'forever' is no duration"),
        ([*ALLOWED, "--clear-backend", ""], "must not be empty"),
        ([*ALLOWED, "--max-rows", "0"], "0 is not in the range x>=1."),
        ([*ALLOWED, "--max-rows", "many"], "'many' is not a valid integer"),
        ([*ALLOWED, "--confirm", "yes"], "'yes' is not one of 'human', 'plan'."),
        (["--min-age", "7d"], "--min-age says what may be cleared, and without --allow-clear"),
        (["--clear-backend", "ibm"], "--clear-backend says what may be cleared"),
        (["--max-rows", "5", "--confirm", "plan"], "--max-rows, --confirm says what"),
        (["--keep-cleared", "1d"], "Add --allow-clear success,failed, or leave it out."),
    ],
)
def test_an_invalid_option_stops_the_start(
    tmp_path: Path, command: str, arguments: list[str], said: str
) -> None:
    result = run(command, "--cache-dir", str(tmp_path), *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("UNIQC_MCP_ALLOW_CLEAR", "running", "'running' is not one of success, failed, cancelled"),
        ("UNIQC_MCP_MIN_AGE", "7 moons", "'7 moons' is no duration"),
        ("UNIQC_MCP_MAX_ROWS", "-1", "-1 is not in the range"),
        ("UNIQC_MCP_CONFIRM", "plan", "--confirm says what may be cleared"),
    ],
)
def test_an_invalid_variable_stops_the_start(variable: str, value: str, said: str) -> None:
    result = run(**{variable: value})
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.split())


@pytest.mark.parametrize("extreme", ["0s", "999999w"])
def test_extreme_durations_are_accepted(extreme: str) -> None:
    settings = settings_of(*ALLOWED, "--min-age", extreme, "--keep-cleared", extreme)
    assert settings is not None
    assert settings.keep == settings.policy.min_age


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        (ClearPolicy(), "success, failed, cancelled tasks"),
        (ClearPolicy(statuses=("failed",)), "failed tasks"),
        (ClearPolicy(min_age=timedelta(hours=36)), ", untouched for 36 h"),
        (ClearPolicy(backends=("ibm",)), ", on ibm"),
        (ClearPolicy(max_rows=1), ", at most 1 at a time"),
    ],
)
def test_the_policy_in_words_names_only_limits_that_are_set(
    policy: ClearPolicy, words: str
) -> None:
    said = words if words.endswith("tasks") else f"success, failed, cancelled tasks{words}"
    assert (
        ClearSettings(policy=policy).in_words()
        == f"{said}; a person confirms each, if the client can ask"
    )
    suffices = ClearSettings(policy=policy, confirm="plan").in_words()
    assert suffices == f"{said}; the plan suffices"


@pytest.mark.parametrize("command", ["serve", "doctor"])
def test_the_help_describes_each_option(command: str) -> None:
    said = " ".join(run(command, "--help").stdout.split())
    for option in (
        "--allow-clear STATUS[,STATUS...] Let tasks with these finished statuses be cleared.",
        "--min-age DURATION Clear only what was not touched for this long",
        "--clear-backend TEXT Clear only on this label or platform. May be given several times.",
        "--max-rows INTEGER RANGE Clear at most so many tasks at a time.",
        "--confirm [human|plan] Who consents: ",
        "--keep-cleared DURATION How long what was cleared can be put back. Default: 30d.",
    ):
        assert option in said


def test_the_policy_in_words_names_each_limit(tmp_path: Path) -> None:
    result = run("doctor", "--json", "--cache-dir", str(tmp_path), *ALLOWED, "--min-age", "7d")
    words = "success tasks, untouched for 7 d; a person confirms each, if the client can ask"
    assert json.loads(result.stdout)["may_clear"] == words
    assert EVERYTHING.in_words() == (
        "cancelled tasks, on originq, ibm:ibm_fez, untouched for 7 d, at most 1000 at a time; "
        "the plan suffices"
    )
