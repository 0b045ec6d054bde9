// Values of any type in, texts and elements out. A record is hostile: its texts are only ever text.

const record = (value) =>
  value && typeof value === "object" && !Array.isArray(value) ? value : {};
const list = (value) => (Array.isArray(value) ? value : []);

// Integers beyond 2^53 come as text.
const DECIMAL = /^-?[0-9]{16,300}$/;

function exact(value) {
  if (typeof value === "number") return Number.isFinite(value) ? value : null;
  return typeof value === "string" && DECIMAL.test(value) ? BigInt(value) : null;
}

// A number to compute with, which may be rounded.
function number(value) {
  const found = exact(value);
  return found === null ? null : Number(found);
}

// Characters that reverse or hide what follows them, which no text of a record may.
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

function text(value, most = 500) {
  if (typeof value !== "string" && typeof value !== "number") return "";
  const shown = String(value).replace(UNSEEN, "\ufffd");
  return shown.length > most ? `${shown.slice(0, most)}\u2026` : shown;
}

// Spaces and a blank of Braille, which no server removes, would be a label that nobody sees.
const BLANK = /^[\s\u2800]+$/;

function visible(shown) {
  if (!BLANK.test(shown)) return shown;
  return [...shown].map((one) => `\\u{${one.codePointAt(0).toString(16)}}`).join("");
}

function textOf(answer) {
  const first = list(answer.content).find((part) => record(part).type === "text");
  return text(first?.text) || phrase("The server gave no answer.");
}

// The id by which a tool finds a task. An archived one may have the id of a live one, which is
// another task: get_task tells it by its time, lists and comparisons by a note.
function referenceOf(given) {
  const { task_id: id, archived_at: time, note } = record(given);
  const archived = time || /\barchived\b(?! twin)/.test(text(note));
  return `${archived && id ? "archived:" : ""}${text(id, 300)}`;
}

function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "text") made.textContent = visible(value);
    else if (name === "class") made.className = value;
    else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== null && value !== false)
      made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

const byId = (id) => document.getElementById(id);

let format = {};

function useLocale(locale, timeZone) {
  useLanguage(locale);
  const make = (kind, options, zone) => {
    for (const [language, place] of [[locale, zone], [locale], [undefined, zone], []])
      try {
        return new kind(language || undefined, { ...options, timeZone: place || undefined });
      } catch {
        // An unknown locale or zone of the host: the browser's own comes next.
      }
    return null;
  };
  format = {
    count: make(Intl.NumberFormat, {}),
    share: make(Intl.NumberFormat, {
      style: "percent",
      minimumFractionDigits: 2,
      maximumFractionDigits: 2,
    }),
    age: make(Intl.RelativeTimeFormat, { numeric: "always", style: "short" }),
    now: make(Intl.RelativeTimeFormat, { numeric: "auto" }).format(0, "second"),
    moment: make(Intl.DateTimeFormat, { dateStyle: "medium", timeStyle: "medium" }, timeZone),
  };
}

useLocale("", "");

function counted(value) {
  const found = exact(value);
  return found === null ? "" : format.count.format(found);
}

const LEAST = 0.0001;

function share(value) {
  if (number(value) === null) return "";
  return value > 0 && value < LEAST / 2
    ? `<${format.share.format(LEAST)}`
    : format.share.format(value);
}

// The milliseconds of a time, or null for what no calendar has.
function instant(value) {
  const parsed = typeof value === "number" ? value : Date.parse(text(value));
  return Number.isNaN(new Date(parsed).getTime()) ? null : parsed;
}

function moment(time) {
  const at = instant(time);
  return at === null ? text(time) : format.moment.format(at);
}

const sourceOf = (store) =>
  phrase("Read {time} from {place}.", {
    time: moment(store.read_at),
    place: text(store.location),
  });

const UNITS = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
];

function age(seconds) {
  if (number(seconds) === null) return "";
  if (Math.abs(seconds) < 1) return format.now;
  const [unit, size] = UNITS.find(([, length]) => Math.abs(seconds) >= length) ?? UNITS[3];
  return format.age.format(-Math.round(seconds / size), unit);
}

const KINDS = {
  success: "good",
  failed: "bad",
  cancelled: "off",
  running: "run",
  archived: "off",
  gone: "off",
};

function statusMark(status) {
  const shown = text(status, 40) || phrase("unknown");
  return element("span", { class: `status ${KINDS[shown] ?? "wait"}`, text: shown });
}

function say(words) {
  byId("said").textContent = words;
}
