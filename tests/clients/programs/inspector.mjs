// The Inspector's command line, which starts a server for each call.

import { spawnSync } from "node:child_process";
import { BAD, COMMAND, GOOD, TASK_ID, TOOLS, check } from "./calls.mjs";

const INSPECTOR = new URL("../node_modules/.bin/mcp-inspector", import.meta.url).pathname;

/** Return what the Inspector prints for a method. */
function inspect(method, ...options) {
  const args = ["--cli", ...COMMAND, "--method", method, ...options];
  const done = spawnSync(INSPECTOR, args, { encoding: "utf-8" });
  return done.stdout + done.stderr;
}

function call(name, args) {
  const given = Object.entries(args).flatMap(([key, value]) => ["--tool-arg", `${key}=${value}`]);
  return inspect("tools/call", "--tool-name", name, ...given);
}

const listed = inspect("tools/list");
for (const name of TOOLS) check(listed.includes(`"name": "${name}"`), name, listed);

// Not all calls, as each takes two seconds.
const chosen = [GOOD[1], GOOD[5], BAD[1], BAD[5]];
for (const [name, args, fact] of chosen) {
  const printed = call(name, args);
  check(printed.includes(fact), name, args, printed);
}

check(inspect("resources/list").includes("uniqc://store"));
check(inspect("resources/templates/list").includes("uniqc://task/{task_id}"));
check(inspect("resources/read", "--uri", "uniqc://store").includes("schema_version"));
const task = inspect("resources/read", "--uri", `uniqc://task/${TASK_ID}`);
check(task.includes("HTTP 401 Unauthorized"), task);
check(call("compare_tasks", {}).includes("Compared: "));
check(call("clear_tasks", {}).includes("Nothing was removed yet"));
check(inspect("prompts/list").includes("why_did_it_fail"));
const prompt = ["--prompt-name", "why_did_it_fail", "--prompt-args", `task_id=${TASK_ID}`];
check(inspect("prompts/get", ...prompt).includes(TASK_ID));
