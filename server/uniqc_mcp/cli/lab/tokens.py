"""The commands ``lab token add``, ``list`` and ``revoke``."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import click

from uniqc_mcp.cli.lab.failures import lab_errors
from uniqc_mcp.cli.lab.options import database_option
from uniqc_mcp.cli.options import json_option
from uniqc_mcp.cli.output import echo
from uniqc_mcp.responses.times import requested_duration, wire_time

if TYPE_CHECKING:
    from collections.abc import Sequence

    from uniqc_mcp.lab.access.tokens import StoredToken

_SCOPES: Final = {"read": "tasks:read", "share": "tasks:share"}


def _expiry(_: click.Context, __: click.Parameter, value: str) -> timedelta | None:
    if value == "never":
        return None
    try:
        return requested_duration(value)
    except ValueError:
        raise click.BadParameter(f"{value!r} is no duration such as 90d, nor never.") from None


@click.group()
def token() -> None:
    """Make, list and revoke the tokens by which members are known."""


@token.command()
@click.argument("owner")
@database_option
@click.option(
    "--scope",
    "scopes",
    type=click.Choice([*_SCOPES]),
    multiple=True,
    default=("read", "share"),
    show_default="both",
    help="What it allows: to ask for tasks, to share one's own. May be given twice.",
)
@click.option("--label", default="", help="What it is for, such as the name of a machine.")
@click.option(
    "--expires",
    callback=_expiry,
    metavar="DURATION",
    default="365d",
    show_default=True,
    help="How long it is good for; never for no end.",
)
def add(
    owner: str, database: str, scopes: tuple[str, ...], label: str, expires: timedelta | None
) -> None:
    """Make a token for OWNER and print it, this once.

    Everything that is shared with it belongs to OWNER.
    """
    with lab_errors():
        from uniqc_mcp.lab.access.tokens import add_token  # noqa: PLC0415 - of the extra [lab]
        from uniqc_mcp.lab.operations import connected  # noqa: PLC0415 - as above

        with connected(database) as connection:
            made, stored = add_token(
                connection,
                owner,
                scopes=[_SCOPES[scope] for scope in scopes],
                label=label,
                expires_at=None if expires is None else datetime.now(UTC) + expires,
            )
    click.echo(f"{stored.token_id}: {_in_words(stored)}. It is not shown again:", err=True)
    echo(made)


@token.command(name="list")
@database_option
@json_option
def list_(database: str, *, as_json: bool) -> None:
    """List the tokens, without what is secret of them."""
    with lab_errors():
        from uniqc_mcp.lab.access.tokens import list_tokens  # noqa: PLC0415 - of the extra [lab]
        from uniqc_mcp.lab.operations import connected  # noqa: PLC0415 - as above

        with connected(database) as connection:
            found = list_tokens(connection)
    if as_json:
        echo(json.dumps([_fields(one) for one in found], ensure_ascii=False, indent=2))
        return
    for one in found:
        echo(f"{one.token_id}  {_in_words(one)}")
    if not found:
        echo("There is no token. uniqc-mcp lab token add OWNER makes one.")


@token.command()
@click.argument("token_id", required=False, default="")
@database_option
@click.option("--owner", default="", help="Revoke all tokens of a person.")
def revoke(token_id: str, database: str, owner: str) -> None:
    """Revoke the token TOKEN_ID, or with --owner all of a person.

    A server refuses it within five seconds, and ends its streams within half a minute.
    """
    if bool(token_id) == bool(owner):
        raise click.UsageError("Give the id of a token, as `lab token list` shows it, or --owner.")
    with lab_errors():
        from uniqc_mcp.lab.access.tokens import revoke_tokens  # noqa: PLC0415 - of the extra [lab]
        from uniqc_mcp.lab.operations import connected  # noqa: PLC0415 - as above

        with connected(database) as connection:
            revoked = revoke_tokens(connection, token_id=token_id, owner=owner)
    if not revoked:
        raise click.ClickException(
            "No valid token was found. `uniqc-mcp lab token list` shows all."
        )
    echo(f"Revoked: {', '.join(revoked)}")


def _in_words(one: StoredToken) -> str:
    words = [f"{one.owner}, {' and '.join(one.scopes)}"]
    if one.label:
        words.append(f"for {one.label}")
    words.append(f"made {wire_time(one.created_at.astimezone(UTC))}")
    if one.revoked_at is not None:
        words.append(f"revoked {wire_time(one.revoked_at.astimezone(UTC))}")
    elif one.expires_at is not None:
        past = one.expires_at <= datetime.now(UTC)
        when = wire_time(one.expires_at.astimezone(UTC))
        words.append(f"{'expired' if past else 'good until'} {when}")
    return ", ".join(words)


def _fields(one: StoredToken) -> dict[str, Any]:
    times = {
        name: getattr(one, name).astimezone(UTC).isoformat() if getattr(one, name) else None
        for name in ("created_at", "expires_at", "revoked_at")
    }
    scopes: Sequence[str] = one.scopes
    names = {"token_id": one.token_id, "owner": one.owner, "label": one.label}
    return {**names, "scopes": [*scopes], **times}
