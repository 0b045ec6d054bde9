"""The error of a text that does not parse."""

from __future__ import annotations


class SyntaxProblem(Exception):  # noqa: N818 - SyntaxError is Python's own
    """A fault of a text, with its line and column where they are known."""

    def __init__(self, problem: str, *, line: int | None = None, column: int | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.line = line
        self.column = column

    def __str__(self) -> str:
        """Return the problem, after its line and column."""
        place = "" if self.line is None else f"line {self.line}, column {self.column}: "
        return f"{place}{self.problem}"
