// The calls that each client makes; imported by the programs beside it.

import { readFileSync } from "node:fs";

const calls = JSON.parse(readFileSync(new URL("calls.json", import.meta.url), "utf-8"));

export const {
  tools: TOOLS,
  good: GOOD,
  bad: BAD,
  resources: RESOURCES,
  templates: TEMPLATES,
  bad_addresses: BAD_ADDRESSES,
  prompts: PROMPTS,
  bad_prompts: BAD_PROMPTS,
  completions: COMPLETIONS,
  task_id: TASK_ID,
} = calls;
export const COMMAND = JSON.parse(process.argv[2]);

/** End the program with 1 unless a condition holds. */
export function check(condition, ...about) {
  if (!condition) {
    console.error("wrong:", JSON.stringify(about));
    process.exit(1);
  }
}

/** Return the first match of a pattern in what the model sees. */
export function found(pattern, seen) {
  const match = pattern.exec(seen);
  check(match, String(pattern), seen);
  return match[0];
}

/**
 * Yield the calls of a model, which is sent what its framework shows it of each answer; return the
 * receipt of a clear that was undone but for tasks of the platform `dummy`. `ownAnswers` has, by the
 * arguments of a call as JSON, a part of what is shown where the framework itself refuses it.
 */
export function* conversation(ownAnswers = {}) {
  for (const [tool, args, part] of [...GOOD, ...BAD]) {
    const seen = yield [tool, args];
    check(seen.includes(ownAnswers[JSON.stringify(args)] ?? part), tool, args, seen);
  }
  const plan = yield ["clear_tasks", {}];
  const done = yield ["clear_tasks", { plan_id: found(/plan_[\w-]{22}/, plan) }];
  const receipt = found(/clr_[0-9a-f]{16}/, done);
  const listed = yield ["list_cleared", {}];
  check(listed.includes(receipt), listed);
  const undone = yield ["undo_clear", { receipt, except_backend: ["dummy"] }];
  found(/Put back: [1-9]|\\?"restored\\?": ?[1-9]/, undone);
  return receipt;
}
