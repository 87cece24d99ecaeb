// A long list of which only the rows in sight are elements.

import { h } from "../base/dom.js";

const BEYOND = 6;

export class VirtualList {
  /**
   * @param {object} how
   * @param {number} how.rowPx height of a row.
   * @param {(index: number) => HTMLElement} how.draw makes a row.
   * @param {(index: number) => string} how.key names what a row shows.
   * @param {() => void} how.onEnd the last row is nearly in sight.
   */
  constructor({ rowPx, draw, key, onEnd, label }) {
    Object.assign(this, { rowPx, draw, key, onEnd, length: 0, shown: new Map() });
    this.element = h("ol", { class: "virtual panel", "aria-label": label });
    this.onScroll = () => (this.frame ??= requestAnimationFrame(() => ((this.frame = null), this.#show())));
    window.addEventListener("scroll", this.onScroll, { passive: true });
    window.addEventListener("resize", this.onScroll);
  }

  setLength(length) {
    this.length = length;
    this.element.style.height = `${length * this.rowPx + 2}px`;
    this.#show();
  }

  /** Indices of the rows in sight. */
  visible() {
    const { top } = this.element.getBoundingClientRect();
    const first = Math.max(0, Math.floor(-top / this.rowPx) - BEYOND);
    const last = Math.min(this.length, Math.ceil((window.innerHeight - top) / this.rowPx) + BEYOND);
    return Array.from({ length: Math.max(0, last - first) }, (_, index) => first + index);
  }

  redraw(key) {
    this.shown.get(key)?.element.remove();
    this.shown.delete(key);
    this.#show();
  }

  redrawAll() {
    this.shown.forEach(({ element }) => element.remove());
    this.shown.clear();
  }

  toStart() {
    this.redrawAll();
    if (this.element.getBoundingClientRect().top < 0) window.scrollTo(0, 0);
  }

  dispose() {
    cancelAnimationFrame(this.frame);
    window.removeEventListener("scroll", this.onScroll);
    window.removeEventListener("resize", this.onScroll);
  }

  #show() {
    const wanted = this.visible();
    const keys = new Map(wanted.map((index) => [this.key(index), index]));
    for (const [key, { element, index }] of this.shown) {
      if (keys.get(key) === index) continue;
      if (element.contains(document.activeElement) && keys.has(key)) continue;
      element.remove();
      this.shown.delete(key);
    }
    let before = null;
    for (const index of wanted) {
      const key = this.key(index);
      let row = this.shown.get(key);
      if (!row) {
        row = { element: h("li", { "aria-setsize": String(this.length), "aria-posinset": String(index + 1) }, this.draw(index)), index };
        this.shown.set(key, row);
        // In the list's order, for whoever goes through it by keyboard.
        if (before) before.after(row.element);
        else this.element.prepend(row.element);
      }
      row.index = index;
      row.element.style.transform = `translateY(${index * this.rowPx}px)`;
      before = row.element;
    }
    if (this.length && wanted.at(-1) >= this.length - 1 - BEYOND) this.onEnd();
  }
}
