// Checks of all resources, prompts and completions; imported by the programs beside it.
//
// Each takes the methods of a client as functions, since every client has others.

import {
  BAD_ADDRESSES,
  BAD_PROMPTS,
  COMPLETIONS,
  PROMPTS,
  RESOURCES,
  TEMPLATES,
  check,
} from "./calls.mjs";

/**
 * Check that all resources and templates are listed, and read each, and what is not there.
 * `read` returns the text of a resource; some tasks of `receipt` are still cleared.
 */
export async function checkResources(listed, templates, read, receipt) {
  checkSame(listed, Object.keys(RESOURCES));
  checkSame(templates, Object.keys(TEMPLATES));
  for (const [address, fact] of [...Object.entries(RESOURCES), ...Object.values(TEMPLATES)]) {
    const text = await read(address.replace("RECEIPT", receipt));
    check(text.includes(fact.replace("RECEIPT", receipt)), address, text);
    if (!address.startsWith("ui://")) JSON.parse(text);
  }
  for (const [address, reason] of Object.entries(BAD_ADDRESSES)) {
    await checkRefusal(() => read(address), reason);
  }
}

/** Check that all prompts are listed, and get each, good and bad. `get` returns its messages. */
export async function checkPrompts(listed, get) {
  const named = listed.map(({ name, arguments: given }) => [name, ...namesOf(given)]);
  const known = Object.entries(PROMPTS).map(([name, [given]]) => [name, ...Object.keys(given)]);
  checkSame(named, known);
  for (const [name, [given, fact]] of Object.entries(PROMPTS)) {
    const messages = JSON.stringify(await get(name, given));
    check(messages.includes(fact), name, messages);
  }
  for (const [name, given, reason] of BAD_PROMPTS) {
    await checkRefusal(() => get(name, given), reason);
  }
}

/** Complete each argument of each prompt and template. `complete` returns the values. */
export async function checkCompletions(complete, receipt) {
  const prompts = Object.entries(PROMPTS).map(([name, [given]]) => [name, Object.keys(given)]);
  const templates = Object.keys(TEMPLATES).map((template) => [
    template,
    template.match(/\{.*?\}/g).join().match(/\w+/g),
  ]);
  for (const [owner, names] of [...prompts, ...templates]) {
    for (const name of names) {
      const [begun, value] = COMPLETIONS[name] ?? ["", null];
      const values = await complete(owner, name, begun);
      check(value === null || values.includes(value.replace("RECEIPT", receipt)), owner, name, values);
    }
  }
  await checkRefusal(() => complete("why_did_it_fail", "colour", ""), "colour");
}

function namesOf(given) {
  return (given ?? []).map(({ name }) => name);
}

function checkSame(listed, known) {
  const [found, expected] = [listed, known].map((each) => JSON.stringify([...each].sort()));
  check(found === expected, found, expected);
}

async function checkRefusal(ask, reason) {
  const told = await ask().then(
    (answer) => `not refused: ${JSON.stringify(answer)}`,
    (error) => `${error.message}`,
  );
  check(!told.startsWith("not refused") && told.includes(reason), reason, told);
}
