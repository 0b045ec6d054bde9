// The host: JSON-RPC over postMessage, as MCP Apps 2026-01-26 has it.

const PROTOCOL = "2026-01-26";
const PATIENCE = 90_000;

class Host {
  #pending = new Map();
  #handlers = new Map();
  #last = 0;
  capabilities = {};
  context = {};

  constructor() {
    window.addEventListener("message", (event) => {
      if (event.source === window.parent) this.#receive(event.data);
    });
  }

  on(method, handler) {
    this.#handlers.set(method, handler);
  }

  notify(method, params) {
    this.#send({ method, params });
  }

  request(method, params) {
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#pending.delete(id);
        reject(new Error(phrase("The host does not answer.")));
      }, PATIENCE);
      this.#pending.set(id, { resolve, reject, timer });
      this.#send({ id, method, params });
    });
  }

  async connect(name) {
    const answer = await this.request("ui/initialize", {
      protocolVersion: PROTOCOL,
      appInfo: { name, version: "1" },
      appCapabilities: { availableDisplayModes: ["inline", "fullscreen"] },
    });
    this.capabilities = record(answer?.hostCapabilities);
    this.#apply(record(answer?.hostContext));
    this.on("ui/notifications/host-context-changed", (context) => this.#apply(context));
    this.notify("ui/notifications/initialized", {});
    this.#watchSize();
  }

  get canCall() {
    return "serverTools" in this.capabilities;
  }

  get canRead() {
    return "serverResources" in this.capabilities;
  }

  // The structured content of a tool's answer. An error becomes an exception with its text.
  async call(name, args) {
    const answer = record(await this.request("tools/call", { name, arguments: args }));
    if (answer.isError || !answer.structuredContent) throw new Error(textOf(answer));
    return answer.structuredContent;
  }

  async read(uri) {
    const answer = record(await this.request("resources/read", { uri }));
    return JSON.parse(list(answer.contents)[0].text);
  }

  #send(message) {
    window.parent.postMessage({ jsonrpc: "2.0", ...message }, "*");
  }

  #receive(message) {
    if (record(message).jsonrpc !== "2.0") return;
    if (typeof message.method === "string") this.#handle(message);
    else this.#settle(message);
  }

  #handle({ id, method, params }) {
    const handler = this.#handlers.get(method);
    if (handler) handler(record(params));
    if (id === undefined) return;
    const known = handler || method === "ping" || method === "ui/resource-teardown";
    this.#send(
      known ? { id, result: {} } : { id, error: { code: -32601, message: "Method not found" } },
    );
  }

  #settle({ id, result, error }) {
    const waiting = this.#pending.get(id);
    if (!waiting) return;
    this.#pending.delete(id);
    clearTimeout(waiting.timer);
    if (error) waiting.reject(new Error(text(error.message) || phrase("The host refused.")));
    else waiting.resolve(result);
  }

  #apply(context) {
    this.context = { ...this.context, ...context };
    const root = document.documentElement;
    if (["light", "dark"].includes(context.theme)) root.dataset.theme = context.theme;
    for (const [name, value] of Object.entries(record(record(context.styles).variables)))
      if (name.startsWith("--") && typeof value === "string") root.style.setProperty(name, value);
    root.dataset.mode = text(this.context.displayMode) || "inline";
    useLocale(text(this.context.locale), text(this.context.timeZone));
    this.#handlers.get("context")?.(this.context);
  }

  #watchSize() {
    const root = document.documentElement;
    let told = "";
    const tell = () => {
      const width = Math.ceil(root.getBoundingClientRect().width);
      const height = Math.ceil(root.getBoundingClientRect().height);
      if (told === `${width} ${height}`) return;
      told = `${width} ${height}`;
      this.notify("ui/notifications/size-changed", { width, height });
    };
    new ResizeObserver(tell).observe(root);
    tell();
  }
}

function offerFullScreen(host) {
  const button = byId("wide");
  const wide = host.context.displayMode === "fullscreen";
  button.hidden = !list(host.context.availableDisplayModes).includes("fullscreen");
  button.textContent = phrase(wide ? "Leave full screen" : "Full screen");
  button.onclick = () =>
    host.request("ui/request-display-mode", { mode: wide ? "inline" : "fullscreen" }).catch(() => {
      button.hidden = true;
    });
}
