// One view large: its numbers, and the CAD coordinate under the pointer.

import { request } from "../base/api.js";
import { fill, h, icon } from "../base/dom.js";
import { number, seconds } from "../base/format.js";
import { t } from "../base/i18n.js";
import { imageAddress } from "../base/images.js";
import { note, shortOf } from "../parts/notes.js";
import { kindChoice } from "./kinds.js";
import { parseNpy, pointAt } from "./npy.js";
import { fileOf } from "./watch.js";

export class Large {
  /** @param {() => object[]} views that there are now. @param {(kind: string) => void} onKind @param {(index: number) => void} onClose */
  constructor(views, onKind, onClose) {
    Object.assign(this, { views, onKind, index: 0, kind: "rgb" });
    this.image = h("img", { class: "large-image", alt: "" });
    this.cross = h("span", { class: "cross", hidden: true });
    this.readout = h("p", { class: "readout mono numbers", "aria-live": "off" });
    this.facts = h("div", { class: "large-facts stack" });
    this.title = h("h2", {});
    this.kinds = h("span", {});
    const frame = h("div", { class: "large-frame", onpointermove: (event) => this.#point(event), onpointerdown: (event) => this.#point(event), onpointerleave: () => this.#aim(null) }, this.image, this.cross);
    this.dialog = h("dialog", { class: "large", "aria-label": t("job.large") },
      h("div", { class: "head" }, this.title, this.kinds, h("span", { class: "steps-between row" },
        h("button", { class: "icon-only", "aria-label": t("job.previous"), onclick: () => this.#step(-1) }, icon("left")),
        h("button", { class: "icon-only", "aria-label": t("job.next"), onclick: () => this.#step(1) }, icon("right")),
        h("button", { class: "plain icon-only", "aria-label": t("close"), onclick: () => this.dialog.close() }, icon("close")))),
      h("div", { class: "large-body" }, h("div", { class: "large-view" }, frame, this.readout), this.facts));
    this.dialog.addEventListener("close", () => (this.dialog.remove(), onClose(this.index)));
    this.dialog.addEventListener("click", (event) => event.target === this.dialog && this.dialog.close());
    this.dialog.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (step) event.preventDefault(), this.#step(step);
    });
  }

  open(index, kind) {
    document.body.append(this.dialog);
    if (!this.dialog.open) this.dialog.showModal();
    Object.assign(this, { kind });
    this.#show(index);
  }

  /** Views are others: this one may have more to tell. */
  update() {
    if (this.dialog.open) this.#showFacts();
  }

  #step(by) {
    const views = this.views();
    for (let index = this.index + by; index >= 0 && index < views.length; index += by) {
      if (views[index].state === "rendered") return void this.#show(index);
    }
  }

  #show(index) {
    this.index = index;
    this.xyz = null;
    this.#aim(null);
    this.#showImage();
    this.#showFacts();
    void this.#loadXyz(index);
  }

  #showImage() {
    const view = this.views()[this.index];
    fill(this.title, t("job.view", { index: number(view.index) }));
    fill(this.kinds, kindChoice(this.kind, (kind) => ((this.kind = kind), this.onKind(kind), this.#showImage()), view));
    this.image.alt = `${t("job.view", { index: number(view.index) })}, ${t(`kind.${this.kind}`)}`;
    const path = fileOf(view, this.kind);
    imageAddress(path).then((address) => path === fileOf(this.views()[this.index], this.kind) && (this.image.src = address), (error) => (this.readout.textContent = shortOf(error)));
  }

  async #loadXyz(index) {
    const path = fileOf(this.views()[index], "xyz_npy");
    if (!path) return;
    try {
      const xyz = parseNpy(await (await request(path)).arrayBuffer());
      if (index === this.index) this.xyz = xyz;
      this.#aim(null);
    } catch (error) {
      if (index === this.index) this.readout.textContent = shortOf(error);
    }
  }

  #point(event) {
    const { left, top, width, height } = this.image.getBoundingClientRect();
    const view = this.views()[this.index];
    const scale = Math.min(width / view.width, height / view.height); // It lies in the middle of its box, which may have another shape.
    const column = Math.floor((event.clientX - left - (width - scale * view.width) / 2) / scale);
    const row = Math.floor((event.clientY - top - (height - scale * view.height) / 2) / scale);
    const isInside = column >= 0 && row >= 0 && column < view.width && row < view.height;
    this.#aim(isInside ? [column, row] : null, event);
  }

  #aim(pixel) {
    if (!pixel) return void (this.readout.textContent = this.xyz ? t("job.point") : t("job.point.loading"));
    const point = this.xyz && pointAt(this.xyz, ...pixel);
    const where = `u ${pixel[0]}  v ${pixel[1]}`;
    if (!point) return void (this.readout.textContent = `${where}   ${this.xyz ? t("job.background") : t("job.point.loading")}`);
    const depth = depthOf(this.views()[this.index].camera_pose, point);
    this.readout.textContent = `${where}   xyz ${point.map((value) => value.toFixed(2)).join("  ")} mm   z ${depth.toFixed(2)} mm`;
  }

  #showFacts() {
    const view = this.views()[this.index];
    const fact = (words, value) => (value == null ? null : [h("dt", {}, t(words)), h("dd", {}, value)]);
    fill(
      this.facts,
      (view.flags ?? []).map((flag) => note("warn", h("p", {}, h("strong", {}, t(`flag.${flag}`))), h("p", { class: "small" }, t(`flag.${flag}.more`)))),
      h("dl", { class: "facts" },
        fact("view.seconds", view.seconds == null ? null : seconds(view.seconds)),
        fact("view.samples", view.samples == null ? null : number(view.samples)),
        fact("view.error", view.estimated_error == null ? null : `${number(view.estimated_error, 2)} / 255`),
        fact("view.size", `${view.width} × ${view.height}`)),
      matrix(t("view.pose"), view.camera_pose, 4), matrix(t("view.k"), view.K, 3),
    );
  }
}

/** Distance along the camera's axis, in mm, of a point of the CAD. */
function depthOf(pose, point) {
  return [0, 1, 2].reduce((sum, axis) => sum + pose[axis][2] * (point[axis] - pose[axis][3]), 0);
}

function matrix(label, rows, digits) {
  if (!rows) return null;
  const copy = () => navigator.clipboard?.writeText(JSON.stringify(rows));
  return h("figure", { class: "matrix" },
    h("figcaption", { class: "row small" }, h("strong", {}, label), navigator.clipboard ? h("button", { class: "plain small icon-only push", "aria-label": `${t("copy")}: ${label}`, onclick: copy }, icon("copy")) : null),
    h("table", { class: "mono numbers" }, h("tbody", {}, rows.map((row) => h("tr", {}, row.map((value) => h("td", {}, Number(value).toFixed(Math.abs(value) >= 100 ? 1 : digits))))))));
}
