"""The agents of the examples that need mcp 2."""

import json
import sys

from examples_of_agents import check_example

server_command = json.loads(sys.argv[1])
check_example("ask_with_openai_agents.py", server_command)
check_example("ask_with_pydantic_ai.py", server_command)
