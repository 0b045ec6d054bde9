// What both generations of the TypeScript SDK's client do; they call their methods alike.

import { BAD, GOOD, RESOURCES, TASK_ID, TOOLS, check, found } from "./calls.mjs";

/** Let a connected client use all that the server offers. */
export async function useAll(client) {
  const { tools } = await client.listTools();
  const names = tools.map((tool) => tool.name);
  check(TOOLS.every((name) => names.includes(name)), names);
  for (const [name, args, fact] of GOOD) {
    const result = await client.callTool({ name, arguments: args });
    check(!result.isError && result.content[0].text.includes(fact), name, args, result);
    check(JSON.stringify(result.structuredContent).includes(fact), name, args, result);
  }
  for (const [name, args, reason] of BAD) {
    const result = await client.callTool({ name, arguments: args });
    check(result.isError && result.content[0].text.includes(reason), name, args, result);
  }
  await clearAndUndo(client);
  await read(client);
  await client.close();
}

async function clearAndUndo(client) {
  const call = async (name, args) =>
    (await client.callTool({ name, arguments: args })).structuredContent;
  const plan = await call("clear_tasks", {});
  const done = await call("clear_tasks", { plan_id: plan.plan_id });
  check(done.cleared === plan.matched && done.matching === plan.matching, done);
  const undone = await call("undo_clear", { receipt: done.receipt });
  check(undone.restored === plan.matched, undone);
}

async function read(client) {
  check((await client.listResources()).resources.length > 0);
  check((await client.listResourceTemplates()).resourceTemplates.length > 0);
  for (const uri of [...RESOURCES, `uniqc://task/${TASK_ID}`]) {
    JSON.parse((await client.readResource({ uri })).contents[0].text);
  }
  const refusal = await client
    .readResource({ uri: "uniqc://task/nosuchtask" })
    .then(() => "read", (error) => error.message);
  found(/No task has the id/, refusal);
  const values = { task_id: TASK_ID, other_task_id: TASK_ID.replace(/.$/, "5") };
  for (const prompt of (await client.listPrompts()).prompts) {
    const given = (prompt.arguments ?? []).map(({ name }) => [name, values[name]]);
    const filled = { name: prompt.name, arguments: Object.fromEntries(given) };
    check((await client.getPrompt(filled)).messages.length > 0, prompt);
  }
  const ref = { type: "ref/prompt", name: "why_did_it_fail" };
  const argument = { name: "task_id", value: "uqt_0000" };
  const { completion } = await client.complete({ ref, argument });
  check(completion.values.includes(TASK_ID), completion);
}
