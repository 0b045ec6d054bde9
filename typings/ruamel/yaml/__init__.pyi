# These are the names that this project uses; ruamel.yaml has its types in comments.

from typing import Any, TextIO

from ruamel.yaml.nodes import Node

class YAML:
    def __init__(self, *, typ: str = ..., pure: bool = ...) -> None: ...
    def load(self, stream: str) -> Any: ...
    def compose(self, stream: TextIO) -> Node | None: ...
