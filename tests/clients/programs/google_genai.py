"""google-genai's conversion of tools, and its automatic calls of them over a session.

Its API is on 127.0.0.1, with a scripted model behind it, which sees both channels.
"""

import asyncio
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from calls import TOOLS, ScriptedModel, check
from google import genai
from mcp import ClientSession, StdioServerParameters, stdio_client


class GeminiModel(ThreadingHTTPServer):
    """The API of a model, which follows a script."""

    def __init__(self, script):
        """Listen on a free port."""
        super().__init__(("127.0.0.1", 0), Requests)
        self.script = script
        self.failure = ""

    def reply(self, request):
        """Return the next call of a tool, or a text at the end."""
        declared = [each for tool in request["tools"] for each in tool["functionDeclarations"]]
        check({each["name"] for each in declared} == TOOLS, declared)
        for each in declared:
            schema = each.get("parameters") or each.get("parametersJsonSchema")
            check(schema and each["description"], each)
        (part,) = request["contents"][-1]["parts"]
        response = part.get("functionResponse", {}).get("response")
        call = self.script.next_call(json.dumps(response, ensure_ascii=False))
        if call is None:
            return {"text": "done"}
        return {"functionCall": {"name": call[0], "args": call[1]}}


class Requests(BaseHTTPRequestHandler):
    """Requests of the client."""

    def do_POST(self):
        """Answer by the script; a wrong answer of the server ends it."""
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        try:
            part = self.server.reply(request)
        except SystemExit as wrong:
            self.server.failure = str(wrong)
            part = {"text": "wrong"}
        content = {"role": "model", "parts": [part]}
        body = json.dumps({"candidates": [{"content": content, "finishReason": "STOP"}]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *more):
        """Log nothing."""


async def main(command):
    script = ScriptedModel()
    parameters = StdioServerParameters(command=command[0], args=command[1:])
    with GeminiModel(script) as api:
        threading.Thread(target=api.serve_forever, daemon=True).start()
        options = {"base_url": f"http://127.0.0.1:{api.server_port}"}
        client = genai.Client(api_key="none", http_options=options)
        async with stdio_client(parameters) as streams, ClientSession(*streams) as session:
            await session.initialize()
            # A plain dict, as a session in a GenerateContentConfig is copied, which fails.
            config = {
                "tools": [session],
                "automatic_function_calling": {"maximum_remote_calls": 60},
            }
            await client.aio.models.generate_content(
                model="scripted", contents="What is running?", config=config
            )
        api.shutdown()
    check(not api.failure, api.failure)
    check(script.finished)


asyncio.run(main(json.loads(sys.argv[1])))
