// The questions of the board: the pages of a list, then one wait after another.

const MOST_TASKS = 10_000;
const PAGE = 100;
// No wait tells of a new task; so often the newest are read again.
const WAIT_SECONDS = 5;
const PAUSE = 15_000;
// Above so many only the newest are read again after a change; the wait names the changed ones.
const MANY = 1_000;

const FILTERS = [
  "status",
  "backend",
  "submitted_after",
  "submitted_before",
  "name_contains",
  "updated_after",
  "updated_before",
  "except_backend",
  "task_ids",
  "error_contains",
  "not_heard_for",
  "archived",
  "order",
];
const SHARED_WITH_WAIT = ["backend", "name_contains", "submitted_after", "submitted_before"];

// Read all tasks, or of many only a page with the newest, which no wait tells of.
async function load({ newest = false } = {}) {
  const round = ++state.round;
  state.loading = true;
  const seen = new Set();
  const isOldestFirst = state.args.order === "oldest";
  const order = newest && isOldestFirst ? { order: "newest" } : {};
  let cursor = "";
  do {
    const answer = await host.call("list_tasks", {
      ...state.args,
      ...order,
      limit: PAGE,
      ...(cursor ? { cursor } : {}),
    });
    if (round !== state.round) return;
    const readAt = readAtOf(answer);
    const marks = tasks.size > 0 && state.loaded;
    for (const task of list(answer.tasks)) {
      const key = referenceOf(task);
      keep(task, readAt, { mark: marks && !tasks.has(key) });
      seen.add(key);
    }
    tell(answer);
    cursor = text(answer.next_cursor, 2000);
    // To draw each of a hundred pages would take longer than to read them.
    if (performance.now() - state.shownAt > 400) show();
  } while (cursor && !newest && tasks.size < MOST_TASKS);
  if (!cursor)
    for (const [key, task] of tasks) if (!seen.has(key) && !task.changedAt) tasks.delete(key);
  if (newest) moveToEnd([...seen], isOldestFirst);
  else {
    arrange(seen);
    state.rest = Boolean(cursor);
  }
  state.loading = false;
  state.loaded = true;
  show();
}

function tell(answer) {
  state.answered = true;
  state.total = number(answer.total) ?? number(answer.total_at_least);
  state.atLeast = number(answer.total) === null && number(answer.total_at_least) !== null;
  const store = record(answer.store);
  const notes = list(store.notes)
    .map((note) => text(note))
    .join(" ");
  byId("source").textContent = [sourceOf(store), notes].filter(Boolean).join(" ");
}

async function follow() {
  const turn = ++state.turn;
  const goesOn = () => state.live && turn === state.turn;
  while (goesOn()) {
    try {
      const waitArgs = Object.fromEntries(
        SHARED_WITH_WAIT.filter((name) => state.args[name]).map((name) => [name, state.args[name]]),
      );
      const answer = await host.call("wait_for_tasks", {
        ...waitArgs,
        timeout_seconds: WAIT_SECONDS,
        ...(state.cursor ? { cursor: state.cursor } : {}),
      });
      if (!goesOn()) return;
      problem("");
      take(answer);
      const waited = number(answer.waited_seconds) ?? 0;
      if (!list(answer.changes).length && waited < WAIT_SECONDS)
        await pause(1000 * (WAIT_SECONDS - waited));
      if (goesOn()) await load({ newest: tasks.size > MANY });
    } catch (error) {
      failed(phrase("Not live: {message}", { message: error.message }));
      await pause();
    }
    while (goesOn() && document.hidden) await pause(1000);
  }
}

// Take the changes of a wait: all of them, or those of the tasks that are shown.
function take(answer, { all = false } = {}) {
  state.cursor = text(answer.cursor, 2000);
  const readAt = readAtOf(answer);
  const isShown = (change) => tasks.has(text(record(change).task_id, 300));
  const changes = list(answer.changes).filter((change) => all || isShown(change));
  for (const change of changes) keep(change, readAt, { mark: true });
  if (changes.length) {
    say(
      changes
        .slice(0, 3)
        .map((change) =>
          phrase("{name} is {status}", {
            name: text(record(change).name) || text(record(change).task_id),
            status: text(record(change).status),
          }),
        )
        .join(", "),
    );
    show();
  }
}

const pause = (milliseconds = PAUSE) => new Promise((resolve) => setTimeout(resolve, milliseconds));

function setLive(live) {
  const was = state.live;
  state.live = live && host.canCall;
  byId("live").setAttribute("aria-pressed", String(state.live));
  if (state.live && !was) follow();
}

function problem(words) {
  byId("problem").textContent = text(words, 1000);
  byId("problem").hidden = !words;
}

function failed(words) {
  state.loading = false;
  problem(words);
  show();
}

function onInput({ arguments: given }) {
  const args = record(given);
  state.args = Object.fromEntries(
    FILTERS.filter((name) => name in args).map((name) => [name, args[name]]),
  );
}

async function onResult(result) {
  const answer = record(result.structuredContent);
  if (result.isError) problem(textOf(result));
  const readAt = readAtOf(answer);
  if ("changes_total" in answer) {
    state.args = { ...state.args, status: ["active"] };
    delete state.args.task_ids;
    for (const task of list(answer.active)) keep(task, readAt);
    take(answer, { all: true });
  } else for (const task of list(answer.tasks)) keep(task, readAt);
  if (list(answer.tasks).length || answer.store) tell(answer);
  show();
  if (!host.canCall) return;
  await load().catch((error) => failed(error.message));
  setLive(true);
}
