from ruamel.yaml.error import StringMark

class Node:
    start_mark: StringMark
    end_mark: StringMark

class ScalarNode(Node):
    value: str

class SequenceNode(Node):
    value: list[Node]
    flow_style: bool | None

class MappingNode(Node):
    value: list[tuple[Node, Node]]
    flow_style: bool | None
