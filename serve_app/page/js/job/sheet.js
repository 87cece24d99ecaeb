// The contact sheet: a cell for each view, filled as views come.

import { h, icon } from "../base/dom.js";
import { number } from "../base/format.js";
import { t } from "../base/i18n.js";
import { loadWhenSeen } from "../base/images.js";
import { fileOf } from "./watch.js";

export class Sheet {
  /** @param {(index: number) => void} open shows a view large. @param {AbortSignal} signal */
  constructor(open, signal) {
    Object.assign(this, { open, signal, cells: [], kind: "rgb" });
    this.element = h("ol", { class: "sheet", "aria-label": t("job.views") });
    this.element.addEventListener("keydown", (event) => this.#key(event));
  }

  /** @param {object[]} views @param {string} kind @param {number[] | null} changed only these are others. */
  show(views, kind, changed) {
    const all = changed === null || kind !== this.kind || views.length !== this.cells.length;
    this.kind = kind;
    if (views.length !== this.cells.length) {
      this.cells = views.map((view) => this.#cell(view.index));
      this.element.replaceChildren(...this.cells.map(({ item }) => item));
      this.element.classList.toggle("many", views.length > 100);
    }
    for (const index of all ? views.keys() : changed) this.#fill(this.cells[index], views[index]);
  }

  focus(index) {
    this.cells[index]?.button.focus();
  }

  #cell(index) {
    const image = h("img", { alt: "", decoding: "async" });
    const flags = h("span", { class: "flags" });
    const button = h("button", { class: "cell", data: { view: index }, tabIndex: index ? -1 : 0, disabled: true, onclick: () => this.open(index) }, image, h("span", { class: "cell-number numbers" }, number(index)), flags);
    return { item: h("li", {}, button), button, image, flags };
  }

  #fill({ button, image, flags }, view) {
    const isHere = view.state === "rendered";
    const flagged = view.flags ?? [];
    button.disabled = !isHere;
    button.classList.toggle("here", isHere);
    button.setAttribute("aria-label", [t("job.view", { index: number(view.index) }), ...flagged.map((flag) => t(`flag.${flag}`)), isHere ? "" : t("job.view.pending")].filter(Boolean).join(", "));
    const marked = flagged.join();
    if (flags.dataset.flags !== marked) {
      flags.dataset.flags = marked;
      flags.replaceChildren(...(flagged.length ? [icon("warning")] : []));
      flags.title = flagged.map((flag) => t(`flag.${flag}`)).join(", ");
    }
    const path = isHere ? fileOf(view, this.kind) : null;
    if (!path) return;
    image.classList.toggle("crisp", this.kind === "mask");
    if (image.dataset.path !== path) loadWhenSeen(image, path, this.signal);
  }

  #key(event) {
    const at = this.cells.findIndex(({ button }) => button === document.activeElement);
    if (at < 0) return;
    const columns = getComputedStyle(this.element).gridTemplateColumns.split(" ").length;
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns, Home: -at, End: this.cells.length - 1 - at }[event.key];
    const to = this.cells[at + (step ?? 0)];
    if (!step || !to || to.button.disabled) return;
    event.preventDefault();
    this.cells[at].button.tabIndex = -1;
    to.button.tabIndex = 0;
    to.button.focus();
  }
}
