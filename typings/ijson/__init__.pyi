# ijson has no types of its own. These are the names that this project uses.

from typing import Any

class JSONError(Exception): ...
class sendable_list(list[tuple[str, Any]]): ...  # noqa: N801 - ijson's own name
