// An agent of mastra, whose model sees the structured content.

import { Agent } from "@mastra/core/agent";
import { MCPClient } from "@mastra/mcp";
import { COMMAND, GOOD, TOOLS, check, conversation } from "./calls.mjs";
import { checkPrompts, checkResources } from "./resources_and_prompts.mjs";

const [command, ...args] = COMMAND;
const client = new MCPClient({ servers: { uniqc: { command, args } } });
const tools = await client.getTools();
const names = Object.keys(tools);
check(TOOLS.every((name) => `uniqc_${name}` in tools) && names.length === TOOLS.length, names);

// It refuses what the schema doesn't allow itself.
const calls = conversation({
  [JSON.stringify(GOOD[2][1])]: "Expected array, received string",
  [JSON.stringify(GOOD[3][1])]: "Expected number, received string",
  '{"limit":1000}': "less than or equal to 100",
  '{"limit":"many"}': "Expected number, received string",
  '{"status":["done"]}': "Invalid",
});
let receipt;

const usage = { inputTokens: 1, outputTokens: 1, totalTokens: 2 };

async function doGenerate({ prompt }) {
  const results = prompt.at(-1).content.filter?.((part) => part.type === "tool-result") ?? [];
  const { value, done } = calls.next(results.length ? JSON.stringify(results.at(-1).output) : "");
  if (done) receipt = value;
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
await agent.generate("what is running?", { maxSteps: 60 });
check(receipt);

const { uniqc: resources } = await client.resources.list();
const { uniqc: templates } = await client.resources.templates();
const addresses = resources.map(({ uri }) => uri);
const listed = templates.map(({ uriTemplate }) => uriTemplate);
const read = async (uri) => (await client.resources.read("uniqc", uri)).contents[0].text;
await checkResources(addresses, listed, read, receipt);
const { uniqc: prompts } = await client.prompts.list();
const get = async (name, given) =>
  (await client.prompts.get({ serverName: "uniqc", name, args: given })).messages;
await checkPrompts(prompts, get);
// docs/clients.md says that it completes nothing.
check(!("complete" in client) && !("complete" in client.prompts));
await client.disconnect();
