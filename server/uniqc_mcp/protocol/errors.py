"""Errors of the protocol, and the message on an exception that nobody expected."""

from __future__ import annotations

import logging
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR, INVALID_PARAMS

from uniqc_mcp.argument_errors import explain_unknown
from uniqc_mcp.errors import RequestError, explain_store_error
from uniqc_store import InvalidValueError, StoreError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

Parameters = ParamSpec("Parameters")
Reply = TypeVar("Reply")

logger = logging.getLogger(__name__)


def invalid(problem: str) -> MCPError:
    """Return the error for parameters that are not valid."""
    return MCPError(code=INVALID_PARAMS, message=problem)


def unknown_argument(given: str, known: Sequence[str]) -> MCPError:
    """Return the error for an unknown argument; it names the known ones."""
    return invalid(explain_unknown(given, known))


def explain_unexpected(request: str, error: BaseException) -> str:
    """Log an exception that is a fault of this server, and return the message for the caller.

    The traceback goes to stderr only: it may hold text of records, which nobody has redacted.

    Args:
        request: The tool, resource or other request, for the message.
        error: The exception.
    """
    logger.error("%s failed unexpectedly", request, exc_info=error)
    return (
        f"{request} failed by a fault of uniqc-mcp itself ({type(error).__name__}), so this call "
        "tells nothing about any task. Try it once more. If it fails again, `uniqc-mcp doctor` "
        "checks the task store, and the server's log on stderr has the details to report."
    )


def with_request_errors(
    ask: Callable[Parameters, Awaitable[Reply]],
) -> Callable[Parameters, Awaitable[Reply]]:
    """Return a function that raises the protocol's errors in place of this server's own."""

    @wraps(ask)
    async def asking(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Reply:
        try:
            return await ask(*args, **kwargs)
        except (RequestError, InvalidValueError) as error:
            raise invalid(str(error)) from error
        except StoreError as error:
            raise MCPError(code=INTERNAL_ERROR, message=explain_store_error(error)) from error
        except MCPError:
            raise
        except Exception as error:
            message = explain_unexpected("The request", error)
            raise MCPError(code=INTERNAL_ERROR, message=message) from error

    return asking
