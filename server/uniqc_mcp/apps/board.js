// The board: a table of tasks to filter and to sort, and the details of one.

const COLUMNS = [
  { key: "status", title: "Status", of: (task) => task.status },
  { key: "name", title: "Task", of: (task) => task.name || task.task_id },
  { key: "backend", title: "Backend", of: (task) => task.backend },
  { key: "shots", title: "Shots", of: (task) => number(task.shots) ?? -1, right: true },
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
  if (tasks.size) return phrase("No task matches the filter.");
  if (state.loading) return phrase("Reading the tasks…");
  if (state.answered) return phrase("No tasks match.");
  return byId("problem").hidden
    ? phrase("Waiting for the tasks…")
    : phrase("The tasks are not known.");
}

// How many tasks are shown, of how many that were read, of how many there are.
function howMany(shown) {
  let all = counted(tasks.size);
  if (tasks.size < (state.total ?? 0)) {
    const total = counted(state.total);
    all = phrase("{count} of {total}", {
      count: all,
      total: state.atLeast ? phrase("at least {count}", { count: total }) : total,
    });
  }
  if (shown !== tasks.size)
    return phrase("{count} of {total} tasks", { count: counted(shown), total: all });
  return phrase(all === counted(1) ? "{count} task" : "{count} tasks", { count: all });
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
  byId("summary").textContent = [
    !state.answered && !tasks.size ? "" : howMany(shown.length),
    state.loading && tasks.size ? phrase("reading on…") : "",
    state.rest ? phrase("ask with a filter for the others") : "",
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
        ? element("span", { class: "was", text: phrase("was {status}", { status: task.before }) })
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
    [phrase("Id"), task.task_id],
    [phrase("Backend"), task.backend],
    [phrase("Shots"), counted(task.shots)],
    [phrase("Submitted"), moment(task.submittedText)],
    [phrase("Last heard"), task.heard ? format.moment.format(task.heard) : ""],
    [phrase("Error"), task.error],
    [phrase("Note"), task.note],
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
        text: phrase("Close"),
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
        text: phrase(column.title),
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
  const sorted = state.descending
    ? "Sorted by {column}, descending"
    : "Sorted by {column}, ascending";
  say(
    state.order
      ? phrase(sorted, { column: phrase(column.title) })
      : phrase("In the order of the server"),
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
    label: () => phrase("Quantum tasks"),
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
    failed(phrase("The call was cancelled. {reason}", { reason: text(reason) })),
  );
  host.on("ui/resource-teardown", () => setLive(false));
  host.on("context", (context) => {
    offerFullScreen(host);
    byId("live").disabled = !host.canCall;
    byId("live").title = phrase(
      host.canCall ? "Follow changes" : "This host lets no view ask the server.",
    );
    drawHeadings();
    show();
  });
  drawHeadings();
  show();
  setInterval(tick, 5000);
  await host.connect("uniqc-mcp board").catch((error) => failed(error.message));
}

start();
