"""The tool compare_tasks, whose answer the prompt explain_differences uses too.

May import tasks and what tasks may, but not clearing or waiting.
"""

from typing import Final

FEWEST: Final = 2
MOST: Final = 6
"""The numbers of tasks that one call compares."""
