// The tasks of the board, by their ids, as the last answers tell of them.

const FRESH = 60_000;
const ARRIVES = 700;
const FINISHED = new Set(["success", "failed", "cancelled", "archived", "gone"]);

const host = new Host();
const tasks = new Map();
const state = {
  args: {},
  order: "",
  descending: false,
  filter: "",
  live: false,
  turn: 0,
  cursor: "",
  chosen: "",
  answered: false,
  total: null,
  loading: false,
  round: 0,
  loaded: false,
  shownAt: 0,
  rest: false,
};

function taskOf(given, readAt) {
  const task = record(given);
  const since = number(task.seconds_since_update);
  return {
    key: referenceOf(given),
    task_id: text(task.task_id, 300),
    name: text(task.name, 200),
    backend: text(task.backend, 120),
    status: text(task.status, 40),
    shots: task.shots,
    submitted: instant(task.submitted_at),
    submittedText: task.submitted_at,
    heard: instant(task.updated_at) ?? instant(since === null ? null : readAt - 1000 * since),
    error: text(task.error, 2000),
    note: text(task.note, 2000),
  };
}

// The server's clock, as it goes on since its last answer; that of the host may be another.
let clock = { server: Date.now(), here: performance.now() };
const now = () => clock.server + (performance.now() - clock.here);

function readAtOf(answer) {
  const time = instant(record(answer.store).read_at);
  if (time !== null) clock = { server: time, here: performance.now() };
  return now();
}

function keep(given, readAt, { mark } = {}) {
  const task = taskOf(given, readAt);
  if (!task.task_id) return;
  const before = tasks.get(task.key);
  const changed = before && before.status !== task.status;
  // What a wait tells of a change lacks the fields that the list had before.
  for (const [name, value] of Object.entries(before ?? {}))
    if (task[name] === null || task[name] === "") task[name] = value;
  task.words = `${task.name} ${task.task_id} ${task.backend} ${task.status}`.toLowerCase();
  task.before = changed ? before.status : before?.before;
  task.changedAt = changed || mark ? performance.now() : before?.changedAt;
  tasks.set(task.key, task);
}

function reorder(keys) {
  const known = keys.filter((key) => tasks.has(key)).map((key) => [key, tasks.get(key)]);
  tasks.clear();
  for (const [key, task] of known) tasks.set(key, task);
}

// Put all tasks in the order of a list. One that it lacks stays behind the one before it.
function arrange(listed) {
  const lacking = new Map([["", []]]);
  let before = "";
  for (const key of tasks.keys())
    if (listed.has(key)) lacking.set((before = key), []);
    else lacking.get(before).push(key);
  const behind = (key) => lacking.get(key) ?? [];
  reorder([...behind(""), ...[...listed].flatMap((key) => [key, ...behind(key)])]);
}

// Put the newest tasks before all others, or behind them where the oldest come first.
function moveToEnd(newest, isOldestFirst) {
  const moved = new Set(newest);
  const others = [...tasks.keys()].filter((key) => !moved.has(key));
  reorder(isOldestFirst ? [...others, ...newest.reverse()] : [...newest, ...others]);
}

const isWithin = (time, task) => task.changedAt && performance.now() - task.changedAt < time;
const isFresh = (task) => isWithin(FRESH, task);

function markOf(task) {
  const marks = {
    arrives: isWithin(ARRIVES, task),
    fresh: isFresh(task),
    done: FINISHED.has(task.status),
  };
  return Object.keys(marks)
    .filter((name) => marks[name])
    .join(" ");
}
