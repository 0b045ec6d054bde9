// What both generations of the TypeScript SDK's client do; they call their methods alike.

import { BAD, GOOD, TOOLS, check } from "./calls.mjs";
import { checkCompletions, checkPrompts, checkResources } from "./resources_and_prompts.mjs";

/** Let a connected client use all that the server offers. */
export async function useAll(client) {
  const { tools } = await client.listTools();
  const names = tools.map((tool) => tool.name);
  check(TOOLS.every((name) => names.includes(name)) && names.length === TOOLS.length, names);
  for (const [name, args, fact] of GOOD) {
    const result = await client.callTool({ name, arguments: args });
    check(!result.isError && result.content[0].text.includes(fact), name, args, result);
    check(JSON.stringify(result.structuredContent).includes(fact), name, args, result);
  }
  for (const [name, args, reason] of BAD) {
    const result = await client.callTool({ name, arguments: args });
    check(result.isError && result.content[0].text.includes(reason), name, args, result);
  }
  await useAllElse(client, await clearAndUndo(client));
  await client.close();
}

async function clearAndUndo(client) {
  const call = async (name, args) =>
    (await client.callTool({ name, arguments: args })).structuredContent;
  const plan = await call("clear_tasks", {});
  const { receipt, cleared, matching } = await call("clear_tasks", { plan_id: plan.plan_id });
  check(cleared === plan.matched && matching === plan.matching, cleared, matching, plan);
  const undone = await call("undo_clear", { receipt, except_backend: ["dummy"] });
  check(undone.restored + undone.held === plan.matched, undone);
  return receipt;
}

async function useAllElse(client, receipt) {
  const { resources } = await client.listResources();
  const { resourceTemplates } = await client.listResourceTemplates();
  const addresses = resources.map(({ uri }) => uri);
  const templates = resourceTemplates.map(({ uriTemplate }) => uriTemplate);
  const read = async (uri) => (await client.readResource({ uri })).contents[0].text;
  await checkResources(addresses, templates, read, receipt);
  const get = async (name, given) => (await client.getPrompt({ name, arguments: given })).messages;
  await checkPrompts((await client.listPrompts()).prompts, get);
  const complete = async (owner, name, value) => {
    const prompt = { type: "ref/prompt", name: owner };
    const ref = owner.includes("://") ? { type: "ref/resource", uri: owner } : prompt;
    return (await client.complete({ ref, argument: { name, value } })).completion.values;
  };
  await checkCompletions(complete, receipt);
}
