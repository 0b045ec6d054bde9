"""Misses and false alarms of redaction on a corpus of credentials and look-alikes."""

from __future__ import annotations

import pytest
from tests.server.safety.credential_corpus import HARMLESS, KNOWN, NAMED, SECRETS

from uniqc_mcp.safety.redaction import safe_text
from uniqc_mcp.safety.unicode import MARKER

AROUND = ("{}", "HTTP 401 ({})", "first line\n{}\nlast line")


def written(form: str, secret: str) -> str:
    return form.replace("⏎", "\n").replace(r"\u200b", "\u200b").replace("§", secret)


def parts(text: str) -> list[str]:
    """Return pieces of a token that its prefix and punctuation do not hold."""
    return [line[-16:] for line in text.split("\n") if len(line) > 20 and ":" not in line[-16:]]


def misses(around: str) -> list[str]:
    shown = [
        (form, safe_text(around.format(written(form, secret)), multiline=True).text, secret)
        for form in NAMED
        for secret in SECRETS
    ]
    return [f"{form!r} -> {text!r}" for form, text, secret in shown if secret[:8] in text]


def false_alarms() -> list[str]:
    shown = [(text, safe_text(text, multiline=True)) for text in HARMLESS]
    return [
        f"{text!r} -> {safe.text!r}" for text, safe in shown if safe.text != text or safe.hidden
    ]


def report(summary: str, found: list[str]) -> None:
    """Print misses or false alarms; ``pytest -rP`` shows them."""
    print(summary, *found, sep="\n")  # noqa: T201 - the figures are to be read


def test_the_corpus_is_as_large_as_promised() -> None:
    assert len(NAMED) * len(SECRETS) + len(KNOWN) >= 300
    assert len(set(HARMLESS)) == len(HARMLESS) >= 200


@pytest.mark.parametrize("around", AROUND)
def test_no_credential_with_a_name_beside_it_is_shown(around: str) -> None:
    found = misses(around)
    total = len(NAMED) * len(SECRETS)
    report(f"{len(found)} of {total} credentials with a name shown", found)
    assert found == []


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("token", KNOWN)
def test_no_token_of_a_known_shape_is_shown(token: str, around: str) -> None:
    shown = safe_text(around.format(token), multiline=True)
    assert not [part for part in parts(token) if part in shown.text]
    assert shown.hidden
    assert "None" not in shown.text
    assert shown.text.count(MARKER) == 1


def test_at_most_one_harmless_text_in_a_hundred_is_changed() -> None:
    found = false_alarms()
    report(f"{len(found)} of {len(HARMLESS)} harmless texts changed", found)
    assert len(found) <= len(HARMLESS) / 100


@pytest.mark.parametrize(
    ("form", "secret"),
    [
        ("PIN: §", "4711"),
        ("pin=§", "0815"),
        ("PIN is §", "4711"),
        ("PIN码: §", "4711"),
        ('login("alice", "§")', "hunter"),
        ('"password %s" % "§"', "hunter"),
        ('logger.info("token %s", "§")', "abc"),
        ('print("secret:", "§")', "x9"),
        ('hmac.new(b"§")', "x9"),
        ("login: alice / §", "hunter2"),
    ],
)
def test_a_short_secret_in_a_certain_place_is_hidden(form: str, secret: str) -> None:
    shown = safe_text(form.replace("§", secret))
    assert shown.hidden
    assert secret not in shown.text
