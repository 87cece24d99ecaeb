// The selected CAD in 3D with the cameras around it.

import { asset } from "../base/assets.js";
import { getJson } from "../base/api.js";
import { fill, h, icon } from "../base/dom.js";
import { number, sizeMm } from "../base/format.js";
import { t, tn } from "../base/i18n.js";
import { shortOf } from "../parts/notes.js";
import { levelOf } from "./options-list.js";

const lists = new Map();

/** Directions of a level's cameras, in the order of the templates. */
async function directionsOf(level) {
  if (!lists.has(level)) lists.set(level, getJson(asset(`cameras/${level}.json`)));
  return lists.get(level);
}

export class Preview {
  constructor() {
    this.box = h("div", { class: "scene" });
    this.says = h("p", { class: "scene-says", "aria-live": "polite" });
    this.tag = h("p", { class: "scene-tag small numbers" });
    this.cameras = h("input", { type: "checkbox", checked: true, onchange: () => this.#camerasShown() });
    this.element = h("div", { class: "preview" }, this.box, this.says, this.tag,
      h("div", { class: "scene-tools" },
        h("label", { class: "tick small" }, this.cameras, t("preview.cameras")),
        h("button", { class: "plain small", onclick: () => this.#frame() }, icon("cube"), t("preview.fit"))));
    this.options = {};
    this.asked = 0;
    this.loading = this.#load();
  }

  async #load() {
    const [{ Stage }, { Part }, { CameraPoints }, THREE] = await Promise.all([
      import("../scene/stage.js"), import("../scene/part.js"), import("../scene/cameras.js"), import("three"),
    ]);
    if (this.disposed) return;
    this.THREE = THREE;
    this.stage = new Stage(this.box, t("preview.label"));
    if (!this.stage.works) return;
    this.part = new Part(this.stage);
    this.points = new CameraPoints(this.stage);
    this.stage.onTheme = () => (this.part.recolor(), this.points.recolor());
    this.stage.canvas.addEventListener("pointermove", (event) => this.#hover(event));
  }

  /** @param {import("./item.js").Item | null} item */
  async show(item) {
    const turn = (this.asked += 1);
    await this.loading;
    if (!this.part || turn !== this.asked) return;
    if (item?.state !== "ready") {
      if (item !== this.shown?.item) this.#clear();
      return this.#say(item ? t(item.error ? "preview.none" : item.state === "uploading" ? "new.sending" : "new.reading") : "");
    }
    if (this.shown?.item === item && this.shown.facts === item.facts) return;
    this.#say(t("preview.loading"));
    try {
      const glb = await item.mesh();
      if (turn !== this.asked) return;
      const bounds = await this.part.show(glb);
      const sameAsBefore = this.shown?.item === item;
      this.shown = { item, facts: item.facts, bounds };
      this.part.choose(item.parts && new Set(item.parts));
      await this.showCameras(this.options);
      if (!sameAsBefore || this.framed !== this.ball) this.#frame();
      this.#say("");
      this.element.dataset.shown = item.name;
    } catch (error) {
      if (turn === this.asked) this.#say(shortOf(error));
    }
    this.tag.textContent = sizeMm(item.facts.size_mm);
  }

  choose(parts) {
    this.part?.choose(parts && new Set(parts));
  }

  async showCameras(options) {
    this.options = options;
    await this.loading;
    if (!this.shown || !this.points) return;
    const own = options.camera?.poses;
    const level = own ? own.level : levelOf(options);
    const directions = level == null ? [] : await directionsOf(level);
    if (!this.shown) return;
    const { bounds } = this.shown;
    // The cameras look at the CAD's origin, wherever in the CAD that is. The sphere is drawn so that all of the CAD is inside it.
    this.ball = Math.max(...this.#corners(bounds)) * 1.35;
    this.points.show(directions, this.ball);
    this.count = directions.length;
    this.#camerasShown();
  }

  resize() {
    this.stage?.draw();
  }

  dispose() {
    this.disposed = true;
    this.stage?.dispose();
  }

  #corners({ min, max }) {
    return [0, 1, 2, 3, 4, 5, 6, 7].map((corner) => Math.hypot(corner & 1 ? min.x : max.x, corner & 2 ? min.y : max.y, corner & 4 ? min.z : max.z));
  }

  #camerasShown() {
    if (!this.points) return;
    this.points.group.visible = this.cameras.checked;
    this.#frame();
  }

  #frame() {
    if (!this.shown) return;
    this.framed = this.ball;
    const { bounds } = this.shown;
    if (this.cameras.checked) return this.stage.frameBall(new this.THREE.Vector3(), this.ball * 1.06);
    const ball = bounds.getBoundingSphere(new this.THREE.Sphere());
    this.stage.frameBall(ball.center, ball.radius * 1.05);
  }

  #hover(event) {
    if (!this.shown) return;
    const index = this.cameras.checked ? this.points.under(event) : null;
    const text = index === null ? sizeMm(this.shown.facts.size_mm) : t("preview.camera", { index: number(index), count: tn("preview.count", this.count) });
    if (this.tag.textContent !== text) this.tag.textContent = text;
  }

  #clear() {
    this.part.clear();
    this.points.clear();
    this.shown = null;
    this.tag.textContent = "";
    delete this.element.dataset.shown;
  }

  #say(text) {
    fill(this.says, text ? h("span", {}, text) : null);
  }
}
