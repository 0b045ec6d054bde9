// What is said of the tasks beside their outcomes: facts, errors, jobs and notes.

function drawTasks() {
  byId("tasks").replaceChildren(
    ...state.compared.map(({ task, key }, place) =>
      element(
        "article",
        { class: `task c${place}`, "aria-label": text(task.name) || key },
        element(
          "div",
          { class: "task-head" },
          element("h2", { text: text(task.name, 200) || key }),
          statusMark(task.status),
          state.compared.length > 1
            ? element("button", {
                type: "button",
                class: "button plain",
                text: phrase("Remove"),
                "aria-label": phrase("Remove {name}", { name: text(task.name, 200) || key }),
                onclick: () => remove(key),
              })
            : null,
        ),
        task.name ? element("p", { class: "id", title: key, text: key }) : null,
        element("p", { class: "quiet", text: factsOf(task) }),
        task.error ? element("p", { class: "error", text: text(task.error, 2000) }) : null,
        jobsOf(task),
      ),
    ),
  );
}

const factsOf = (task) =>
  [
    text(task.backend, 120),
    number(task.shots) === null ? "" : phrase("{count} shots", { count: counted(task.shots) }),
    task.submitted_at ? phrase("submitted {time}", { time: moment(task.submitted_at) }) : "",
  ]
    .filter(Boolean)
    .join(" · ");

function jobsOf(task) {
  const jobs = list(task.shards).map(record);
  if (!jobs.length) return null;
  const failed = jobs.some((job) => job.status === "failed");
  const total = Math.max(number(task.jobs_total) ?? 0, jobs.length);
  return element(
    "details",
    { open: failed },
    element("summary", {
      text: phrase(total === 1 ? "{count} platform job" : "{count} platform jobs", {
        count: counted(total),
      }),
    }),
    element(
      "ul",
      { class: "jobs" },
      ...jobs.map((job) =>
        element(
          "li",
          {},
          statusMark(job.status),
          element("span", {
            class: "id",
            text: text(job.platform_task_id) || phrase("job {index}", { index: text(job.index) }),
          }),
          job.error ? element("span", { text: text(job.error, 1000) }) : null,
        ),
      ),
    ),
  );
}

function drawCircuits() {
  const places = [
    ...new Map(
      state.compared.flatMap(({ circuits }) => circuits).map((one) => [one.place, one]),
    ).values(),
  ];
  byId("circuits").hidden = places.length < 2;
  byId("part").textContent = phrase(places[0]?.part === "register" ? "Register" : "Circuit");
  const select = byId("circuit");
  select.replaceChildren(
    ...places.map(({ place }) =>
      element("option", {
        value: String(place),
        text: counted(place),
        selected: place === state.place,
      }),
    ),
  );
}

function drawNotes(shown) {
  const told = state.compared.map((one, place) => {
    const circuit = shown[place];
    const hidden = circuit ? circuit.distinct - circuit.outcomes.length : 0;
    return [
      ...(circuit ? [circuit.facts.join("; "), circuit.error, ...circuit.notes] : []),
      ...one.notes.map((note) => text(note)),
      hidden > 0
        ? phrase("{count} of {total} outcomes are shown, the most frequent ones.", {
            count: counted(circuit.outcomes.length),
            total: counted(circuit.distinct),
          })
        : "",
      ...list(one.task.redacted).map((field) =>
        phrase("A credential was hidden in {field}.", { field: text(field) }),
      ),
      ...list(one.task.damaged).map((field) =>
        phrase("Damaged in the file: {field}.", { field: text(field) }),
      ),
    ].filter(Boolean);
  });
  // What holds for all of them needs no name before it.
  const common = new Set(
    (told[0] ?? []).filter((note) => told.every((notes) => notes.includes(note))),
  );
  const named = told.flatMap((notes, place) => {
    const { task, key } = state.compared[place];
    return notes
      .filter((note) => !common.has(note))
      .map((note) => `${text(task.name, 200) || key}: ${note}`);
  });
  const notes = [...common, ...named];
  byId("notes").hidden = !notes.length;
  byId("notes").replaceChildren(
    element("ul", {}, ...notes.map((note) => element("li", { text: note }))),
  );
  const { store } = state.compared[0] ?? {};
  byId("source").textContent = store ? sourceOf(store) : "";
}
