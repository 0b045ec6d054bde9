// An agent of mastra, whose model sees the structured content.

import { Agent } from "@mastra/core/agent";
import { MCPClient } from "@mastra/mcp";
import { COMMAND, GOOD, TOOLS, check, conversation } from "./calls.mjs";

const [command, ...args] = COMMAND;
const client = new MCPClient({ servers: { uniqc: { command, args } } });
const tools = await client.getTools();
check(TOOLS.every((name) => `uniqc_${name}` in tools), Object.keys(tools));

// It refuses what the schema doesn't allow itself.
const calls = conversation({
  2: "Expected array, received string",
  [GOOD.length + 1]: "less than or equal to 100",
  [GOOD.length + 2]: "Invalid",
});
let finished = false;

const usage = { inputTokens: 1, outputTokens: 1, totalTokens: 2 };

async function doGenerate({ prompt }) {
  const results = prompt.at(-1).content.filter?.((part) => part.type === "tool-result") ?? [];
  const { value, done } = calls.next(results.length ? JSON.stringify(results.at(-1).output) : "");
  finished = done;
  const content = done
    ? [{ type: "text", text: "done" }]
    : [
        {
          type: "tool-call",
          toolCallId: `call-${prompt.length}`,
          toolName: `uniqc_${value[0]}`,
          input: JSON.stringify(value[1]),
        },
      ];
  return { content, finishReason: done ? "stop" : "tool-calls", usage, warnings: [] };
}

const model = {
  specificationVersion: "v2",
  provider: "scripted",
  modelId: "scripted",
  supportedUrls: {},
  doGenerate,
};
const agent = new Agent({ name: "physicist", instructions: "Answer.", model, tools });
await agent.generate("what is running?", { maxSteps: 40 });
check(finished);
await client.disconnect();
