// The result of a task, or of up to six beside each other.

let rows;

function show() {
  const shown = state.compared.map(circuitShown);
  state.scale = measure(shown);
  const made = outcomeRows(shown);
  drawTasks();
  drawCircuits();
  drawHeadings(made);
  rows.show(made);
  drawOverview(made, shown);
  drawNotes(shown);
  byId("table").hidden = !made.length;
  byId("order").hidden = !made.length;
  byId("tools").hidden = !state.compared.length;
  byId("add").hidden = !host.canCall || !state.compared.length || state.compared.length >= MOST;
  byId("empty").hidden = Boolean(made.length);
  byId("empty").textContent = state.compared.length
    ? phrase("No outcomes to draw.")
    : byId("problem").hidden
      ? phrase("Waiting for the result…")
      : phrase("The result is not known.");
}

function drawHeadings(made) {
  const widest = made.reduce((most, { key }) => Math.max(most, key.length), 7);
  const figures = made.reduce(
    (most, { values }) => Math.max(most, ...values.map((one) => counted(one?.count).length)),
    4,
  );
  const table = byId("table");
  table.style.setProperty(
    "--columns",
    `minmax(64px, ${Math.min(widest, 34) + 1}ch) repeat(${Math.max(state.compared.length, 1)}, minmax(0, 1fr))`,
  );
  table.style.setProperty("--figures", `calc(${figures + 7}ch + 8px)`);
  table.setAttribute("aria-colcount", String(1 + state.compared.length));
  byId("headings").replaceChildren(
    element("div", { class: "cell bits", role: "columnheader", text: phrase("Outcome") }),
    ...state.compared.map(({ task, key }, place) =>
      element("div", {
        class: `cell value c${place}`,
        role: "columnheader",
        text: text(task.name, 200) || key,
      }),
    ),
  );
}

function drawn({ key, values }) {
  const { sizeOf, largest } = state.scale;
  return [
    element("div", { class: "cell bits", role: "rowheader", title: key, text: key }),
    ...values.map((outcome, place) => {
      const fill = element("span", { class: "fill" });
      fill.style.width = `${largest ? (100 * sizeOf(outcome)) / largest : 0}%`;
      const part = outcome ? share(outcome.probability) : "";
      return element(
        "div",
        { class: `cell value c${place}`, role: "cell" },
        element(
          "span",
          { class: "pair" },
          element("span", { class: "track", "aria-hidden": "true" }, fill),
          element(
            "span",
            { class: "figures" },
            element("span", {
              class: part ? "count" : "",
              text: outcome ? counted(outcome.count) : "–",
            }),
            element("span", { class: "share", text: part }),
          ),
        ),
      );
    }),
  ];
}

// All outcomes at one glance, in the order of the table. Each path is one task.
function drawOverview(made, shown) {
  const figure = byId("overview");
  figure.hidden = made.length < 3;
  figure.className = `overview ${shown.length > 2 ? "many" : ""}`;
  const { sizeOf, largest } = state.scale;
  const gap = made.length > 400 ? 0 : 0.25;
  figure.replaceChildren(
    ...shown.map((circuit, place) => {
      const bars = made.map(({ values }, index) => {
        const height = largest ? (100 * sizeOf(values[place])) / largest : 0;
        return height
          ? `M${index + gap / 2} 100V${100 - Math.max(height, 1)}H${index + 1 - gap / 2}V100Z`
          : "";
      });
      const image = byId("bars").content.firstElementChild.cloneNode(true);
      image.setAttribute("viewBox", `0 0 ${Math.max(made.length, 1)} 100`);
      image.setAttribute("class", `c${place}`);
      image.firstElementChild.setAttribute("d", bars.join(""));
      return image;
    }),
  );
}

async function add(id, given) {
  const task = await taskOf(id, given);
  if (!task.key) throw new Error(phrase("The answer has no task."));
  if (state.compared.some(({ key }) => key === task.key))
    throw new Error(phrase("This task is shown already."));
  state.compared.push(task);
  if (
    !task.circuits.some(({ place }) => place === state.place) &&
    task.circuits.length &&
    state.compared.length === 1
  )
    state.place = task.circuits[0].place;
}

function remove(key) {
  state.compared = state.compared.filter((one) => one.key !== key);
  sayHowMany();
  show();
  byId("other").focus();
}

function sayHowMany() {
  const shown = state.compared.length;
  say(
    phrase(shown === 1 ? "{count} task shown" : "{count} tasks shown", { count: counted(shown) }),
  );
}

function problem(words) {
  byId("problem").textContent = text(words, 1000);
  byId("problem").hidden = !words;
}

function failed(words) {
  problem(words);
  show();
}

async function onResult(result) {
  problem(result.isError ? textOf(result) : "");
  const answer = record(result.structuredContent);
  state.compared = [];
  if (answer.task) await add("", answer).catch((error) => problem(error.message));
  for (const task of list(answer.tasks).slice(0, MOST)) {
    const id = referenceOf(task);
    const given = host.canCall ? undefined : { task, store: answer.store };
    await add(id, given).catch((error) => problem(error.message));
    show();
  }
  show();
}

// No form: a frame of a host may not submit one.
async function onAdd() {
  const input = byId("other");
  const id = input.value.trim();
  if (!id) return;
  try {
    await add(id);
    problem("");
    input.value = "";
    sayHowMany();
  } catch (error) {
    problem(error.message);
  }
  show();
}

async function start() {
  rows = new Rows(byId("table"), { height: 30, draw: drawn, label: () => phrase("Outcomes") });
  for (const choice of document.querySelectorAll("[name=order]"))
    choice.addEventListener("change", () => {
      state.order = choice.value;
      show();
    });
  byId("circuit").addEventListener("change", ({ target }) => {
    state.place = Number(target.value);
    show();
  });
  byId("compare").addEventListener("click", onAdd);
  byId("other").addEventListener("keydown", ({ key, isComposing }) => {
    if (key === "Enter" && !isComposing) onAdd();
  });
  host.on("ui/notifications/tool-result", onResult);
  host.on("ui/notifications/tool-cancelled", ({ reason }) =>
    failed(phrase("The call was cancelled. {reason}", { reason: text(reason) })),
  );
  host.on("context", () => {
    offerFullScreen(host);
    show();
  });
  show();
  await host.connect("uniqc-mcp result").catch((error) => failed(error.message));
}

start();
