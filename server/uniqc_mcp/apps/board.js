// The board: a table of tasks to filter and to sort, and the details of one.

const COLUMNS = [
  { key: "status", title: "Status", of: (task) => task.status },
  { key: "name", title: "Task", of: (task) => task.name || task.task_id },
  { key: "backend", title: "Backend", of: (task) => task.backend },
  { key: "shots", title: "Shots", of: (task) => task.shots ?? -1, right: true },
  {
    key: "submitted",
    title: "Submitted",
    of: (task) => task.submitted ?? 0,
    right: true,
    descending: true,
  },
  {
    key: "heard",
    title: "Last heard",
    of: (task) => task.heard ?? 0,
    right: true,
    descending: true,
  },
];

const matches = (task) =>
  !state.filter || state.filter.split(/\s+/).every((word) => task.words.includes(word));

function inOrder(shown) {
  const column = COLUMNS.find(({ key }) => key === state.order);
  if (!column) return shown;
  const collator = new Intl.Collator(text(host.context.locale) || undefined, { numeric: true });
  const sign = state.descending ? -1 : 1;
  return shown.sort((one, other) => {
    const [a, b] = [column.of(one), column.of(other)];
    return sign * (typeof a === "string" ? collator.compare(a, b) : a - b);
  });
}

// Only an answer of the server tells that there are no tasks.
function whyEmpty() {
  if (tasks.size) return "No task matches the filter.";
  if (state.loading) return "Reading the tasks…";
  if (state.answered) return "No tasks match.";
  return byId("problem").hidden ? "Waiting for the tasks…" : "The tasks are not known.";
}

let rows;

function show() {
  state.shownAt = performance.now();
  const shown = inOrder([...tasks.values()].filter(matches));
  for (const task of shown) task.mark = markOf(task);
  rows.show(shown);
  byId("table").hidden = !shown.length;
  byId("empty").hidden = Boolean(shown.length);
  byId("empty").textContent = whyEmpty();
  const total =
    state.total === null
      ? ""
      : `${state.atLeast ? "at least " : ""}${counted(Math.max(state.total, tasks.size))}`;
  const all =
    tasks.size < (state.total ?? 0) ? `${counted(tasks.size)} of ${total}` : counted(tasks.size);
  const isOne = all === counted(1);
  byId("summary").textContent = [
    !state.answered && !tasks.size
      ? ""
      : shown.length === tasks.size
        ? `${all} ${isOne ? "task" : "tasks"}`
        : `${counted(shown.length)} of ${all} tasks`,
    state.loading && tasks.size ? "reading on…" : "",
    state.rest ? "ask with a filter for the others" : "",
  ]
    .filter(Boolean)
    .join(", ");
  showDetails();
}

function drawn(task) {
  const cell = (name, ...children) =>
    element("div", { class: `cell ${name}`, role: "cell" }, ...children);
  const aged = (name, time, words) =>
    cell(
      `${name} right`,
      time
        ? element("time", {
            datetime: new Date(time).toISOString(),
            title: words,
            "data-at": String(time),
            text: age((now() - time) / 1000),
          })
        : "",
    );
  return [
    cell(
      "of-status",
      statusMark(task.status),
      isFresh(task) && task.before
        ? element("span", { class: "was", text: `was ${task.before}` })
        : null,
    ),
    cell(
      "of-name",
      element("span", { class: "title", text: task.name || task.task_id }),
      task.name ? element("span", { class: "id", text: task.task_id }) : null,
    ),
    cell("of-backend", element("span", { class: "label", text: task.backend })),
    cell("of-shots right", counted(task.shots)),
    aged("of-submitted", task.submitted, moment(task.submittedText)),
    aged("of-heard", task.heard, task.heard ? format.moment.format(task.heard) : ""),
  ];
}

function showDetails() {
  const task = tasks.get(state.chosen);
  const panel = byId("details");
  panel.hidden = !task;
  if (!task) return;
  const facts = [
    ["Id", task.task_id],
    ["Backend", task.backend],
    ["Shots", counted(task.shots)],
    ["Submitted", moment(task.submittedText)],
    ["Last heard", task.heard ? format.moment.format(task.heard) : ""],
    ["Error", task.error],
    ["Note", task.note],
  ];
  panel.replaceChildren(
    element(
      "div",
      { class: "details-head" },
      element("h2", { text: task.name || task.task_id }),
      statusMark(task.status),
      element("button", {
        type: "button",
        class: "button plain",
        text: "Close",
        onclick: () => choose(""),
      }),
    ),
    element(
      "dl",
      {},
      ...facts
        .filter(([, value]) => value)
        .flatMap(([name, value]) => [
          element("dt", { text: name }),
          element("dd", { text: value }),
        ]),
    ),
  );
}

function choose(key) {
  state.chosen = key === state.chosen ? "" : key;
  showDetails();
}

function drawHeadings() {
  byId("headings").replaceChildren(
    ...COLUMNS.map((column) => {
      const sorted =
        state.order === column.key ? (state.descending ? "descending" : "ascending") : "none";
      const button = element("button", {
        type: "button",
        text: column.title,
        onclick: () => sortBy(column),
      });
      button.append(
        element("span", {
          class: "arrow",
          "aria-hidden": "true",
          text: { ascending: "↑", descending: "↓", none: "" }[sorted],
        }),
      );
      return element(
        "div",
        {
          class: `cell of-${column.key} ${column.right ? "right" : ""}`,
          role: "columnheader",
          "aria-sort": sorted,
        },
        button,
      );
    }),
  );
}

function sortBy(column) {
  const first = Boolean(column.descending);
  if (state.order !== column.key) Object.assign(state, { order: column.key, descending: first });
  else if (state.descending === first) state.descending = !first;
  else Object.assign(state, { order: "", descending: false });
  const focused = COLUMNS.indexOf(column);
  drawHeadings();
  byId("headings").children[focused].firstChild.focus();
  say(
    state.order
      ? `Sorted by ${column.title}, ${state.descending ? "descending" : "ascending"}`
      : "In the order of the server",
  );
  show();
}

function tick() {
  for (const shown of document.querySelectorAll("time[data-at]"))
    shown.textContent = age((now() - Number(shown.dataset.at)) / 1000);
}

async function start() {
  rows = new Rows(byId("table"), {
    height: 48,
    draw: drawn,
    label: "Quantum tasks",
    pick: (task) => choose(task.key),
    signature: (task) => [
      ...[task.words, task.shots, task.submitted, task.heard, task.before, task.mark],
      ...[host.context.locale, host.context.timeZone],
    ],
  });
  byId("filter").addEventListener("input", ({ target }) => {
    state.filter = target.value.trim().toLowerCase();
    show();
    say(byId("summary").textContent);
  });
  byId("live").addEventListener("click", () => setLive(!state.live));
  host.on("ui/notifications/tool-input", onInput);
  host.on("ui/notifications/tool-result", onResult);
  host.on("ui/notifications/tool-cancelled", ({ reason }) =>
    failed(`The call was cancelled. ${text(reason)}`),
  );
  host.on("ui/resource-teardown", () => setLive(false));
  host.on("context", (context) => {
    offerFullScreen(host);
    byId("live").disabled = !host.canCall;
    byId("live").title = host.canCall ? "Follow changes" : "This host lets no view ask the server.";
    show();
  });
  drawHeadings();
  show();
  setInterval(tick, 5000);
  await host.connect("uniqc-mcp board").catch((error) => failed(error.message));
}

start();
