// Tasks with their outcomes, and the rows of a table of them.

const MOST = 6;
const host = new Host();
const state = { order: "count", place: 0, compared: [] };

// A task with its outcomes: all of them where the host reads resources, else the most frequent.
async function taskOf(id, given) {
  const answer = given ?? (await host.call("get_task", { task_id: id, outcomes: 50 }));
  const task = record(answer.task);
  const known = {
    key: referenceOf(task),
    task,
    store: record(answer.store),
    circuits: [],
    notes: list(task.notes),
  };
  if (host.canRead && task.result) {
    const id = encodeURIComponent(known.key);
    const all = record(
      await host.read(`uniqc://task/${id}/outcomes`).catch((error) => ({ notes: [error.message] })),
    );
    known.circuits = list(all.circuits).map(circuitOf);
    known.notes = [...known.notes, ...list(all.notes)];
  }
  if (!known.circuits.length && task.result) known.circuits = shownCircuits(record(task.result));
  return known;
}

function shownCircuits(result) {
  const parts = list(result.batch).length ? list(result.batch).map(record) : [result];
  return parts.map((part, index) => {
    const outcomes = list(part.outcomes).map((one) => [
      record(one).bits,
      record(one).count,
      record(one).probability,
    ]);
    return circuitOf({ ...record(part), place: number(part.place) ?? index, outcomes });
  });
}

function circuitOf(given) {
  const circuit = record(given);
  const outcomes = list(circuit.outcomes)
    .map(list)
    .map(([bits, count, probability]) => ({
      bits: text(bits, 200),
      count,
      probability: number(probability),
    }));
  return {
    outcomes,
    part: text(circuit.part) || "circuit",
    place: number(circuit.place) ?? 0,
    distinct: number(circuit.distinct) ?? outcomes.length,
    facts: [
      circuit.numbers,
      circuit.bit_order && phrase("bit order {order}", { order: text(circuit.bit_order) }),
      circuit.measured && phrase("measured: {bits}", { bits: text(circuit.measured) }),
    ]
      .map((fact) => text(fact))
      .filter(Boolean),
    notes: list(circuit.notes).map((note) => text(note)),
    error: text(circuit.error, 2000),
    kind: text(circuit.kind),
  };
}

const circuitShown = (task) => task.circuits.find(({ place }) => place === state.place) ?? null;
const size = (outcome) => Math.max(0, number(outcome?.count) ?? outcome?.probability ?? 0);

// Tasks of different shots are compared by their shares, where all have one.
function measure(shown) {
  const outcomes = shown.flatMap((circuit) => circuit?.outcomes ?? []);
  const shares = outcomes.length && outcomes.every(({ probability }) => probability !== null);
  const sizeOf = shares ? (outcome) => Math.max(0, outcome?.probability ?? 0) : size;
  return {
    sizeOf,
    largest: outcomes.reduce((most, outcome) => Math.max(most, sizeOf(outcome)), 0),
  };
}

function outcomeRows(shown) {
  const byBits = new Map();
  shown.forEach((circuit, place) => {
    for (const outcome of circuit?.outcomes ?? []) {
      if (!byBits.has(outcome.bits))
        byBits.set(outcome.bits, { key: outcome.bits, values: shown.map(() => null) });
      byBits.get(outcome.bits).values[place] = outcome;
    }
  });
  const { sizeOf } = state.scale;
  const total = ({ values }) => values.reduce((sum, outcome) => sum + sizeOf(outcome), 0);
  const inBits = (one, other) =>
    one.key.length - other.key.length || (one.key < other.key ? -1 : 1);
  const made = [...byBits.values()];
  if (state.order === "bits") return made.sort(inBits);
  for (const row of made) row.total = total(row);
  return made.sort((one, other) => other.total - one.total || inBits(one, other));
}
