// A table of any length, of which only the rows in sight are in the document.

const BEYOND = 6;

class Rows {
  #items = [];
  #drawn = new Map();
  #current = 0;
  #made = 0;

  // `draw(item, index)` returns the cells of a row, `label()` the name of the table; `pick(item)` is
  // what Enter and a click do. A row whose `signature(item)` is as before is left as it is, with what a user selected in it.
  constructor(scroller, { height, draw, label, pick, signature }) {
    this.scroller = scroller;
    this.height = height;
    this.draw = draw;
    this.pick = pick;
    this.label = label;
    this.signature = (item) =>
      JSON.stringify(signature ? [item.key, ...signature(item)] : ++this.#made);
    this.body = element("div", { class: "body", role: "rowgroup" });
    scroller.append(this.body);
    scroller.addEventListener("scroll", () => this.#schedule(), { passive: true });
    scroller.addEventListener("keydown", (event) => this.#onKey(event));
    new ResizeObserver(() => this.#schedule()).observe(scroller);
  }

  show(items) {
    const current = this.#items[this.#current];
    this.#items = items;
    this.#current = Math.max(
      0,
      items.findIndex((item) => current && item.key === current.key),
    );
    this.scroller.setAttribute("aria-label", this.label());
    this.scroller.setAttribute("aria-rowcount", String(items.length + 1));
    this.body.style.height = `${items.length * this.height}px`;
    const focused = this.body.contains(document.activeElement);
    for (const [index, { row, signature }] of this.#drawn)
      if (!items[index] || signature !== this.signature(items[index])) this.#drop(index, row);
      else row.setAttribute("tabindex", index === this.#current ? "0" : "-1");
    this.#render();
    if (focused) this.#focus(this.#current);
  }

  get shown() {
    return this.#drawn.size;
  }

  #schedule() {
    if (this.pending) return;
    this.pending = requestAnimationFrame(() => {
      this.pending = 0;
      this.#render();
    });
  }

  #render() {
    const top = Math.max(0, this.scroller.scrollTop - this.body.offsetTop);
    const first = Math.max(0, Math.floor(top / this.height) - BEYOND);
    const room = Math.ceil(this.scroller.clientHeight / this.height) + 2 * BEYOND;
    const last = Math.min(this.#items.length, first + room);
    for (const [index, { row }] of this.#drawn)
      if ((index < first || index >= last) && !row.contains(document.activeElement))
        this.#drop(index, row);
    for (let index = first; index < last; index++) this.#rowAt(index);
  }

  #drop(index, row) {
    row.remove();
    this.#drawn.delete(index);
  }

  #rowAt(index) {
    const known = this.#drawn.get(index);
    if (known) return known.row;
    const item = this.#items[index];
    const row = element(
      "div",
      {
        class: `row ${item.mark ?? ""}`,
        role: "row",
        "aria-rowindex": String(index + 2),
        tabindex: index === this.#current ? "0" : "-1",
        onclick: () => {
          this.#focus(index);
          this.pick?.(item);
        },
      },
      ...this.draw(item, index),
    );
    row.style.transform = `translateY(${index * this.height}px)`;
    this.#drawn.set(index, { row, signature: this.signature(item) });
    // Readers follow the order in the document, which is that of the rows.
    const later = [...this.#drawn.keys()].filter((other) => other > index);
    const next = later.length ? this.#drawn.get(Math.min(...later)).row : null;
    this.body.insertBefore(row, next);
    return row;
  }

  #focus(index) {
    if (!this.#items.length) return;
    const wanted = Math.min(Math.max(index, 0), this.#items.length - 1);
    this.#drawn.get(this.#current)?.row.setAttribute("tabindex", "-1");
    this.#current = wanted;
    this.#reveal(wanted);
    const row = this.#rowAt(wanted);
    row.setAttribute("tabindex", "0");
    row.focus({ preventScroll: true });
    this.#render();
  }

  #reveal(index) {
    const top = this.body.offsetTop + index * this.height;
    const header = this.body.offsetTop;
    const { scrollTop, clientHeight } = this.scroller;
    if (top - header < scrollTop) this.scroller.scrollTop = top - header;
    else if (top + this.height > scrollTop + clientHeight)
      this.scroller.scrollTop = top + this.height - clientHeight;
  }

  #onKey(event) {
    if (!event.target.matches?.("[role=row]")) return;
    const page = Math.max(1, Math.floor(this.scroller.clientHeight / this.height) - 1);
    const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page };
    if (event.key in moves) this.#focus(this.#current + moves[event.key]);
    else if (event.key === "Home") this.#focus(0);
    else if (event.key === "End") this.#focus(this.#items.length - 1);
    else if (event.key === "Enter" || event.key === " ") this.pick?.(this.#items[this.#current]);
    else return;
    event.preventDefault();
  }
}
