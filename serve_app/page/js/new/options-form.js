// The options of a rendering: what is not changed is not sent.

import { fill, h, icon } from "../base/dom.js";
import { hasText, t, tn } from "../base/i18n.js";
import { failed } from "../parts/notes.js";
import { control } from "./option-controls.js";
import { OPTIONS, describedOptions, given, levelOf } from "./options-list.js";

export class OptionsForm {
  /** @param {() => void} onChange the values are others. */
  constructor(onChange) {
    Object.assign(this, { onChange, values: {}, problems: {}, described: null, format: undefined });
    this.body = h("div", { class: "options-body" }, h("p", { class: "quiet" }, t("options.loading")));
    this.reset = h("button", { class: "plain small push", hidden: true, onclick: () => this.set({}) }, icon("again"), t("options.reset"));
    this.element = h("div", {}, h("div", { class: "head" }, h("h2", {}, t("options.title")), this.reset), this.body);
  }

  /** What is wrong with a value, if something is. */
  get problem() {
    return Object.values(this.problems)[0] ?? null;
  }

  async load() {
    try {
      this.described = await describedOptions();
      this.#show();
      this.onChange();
    } catch (error) {
      fill(this.body, failed(error));
    }
  }

  /** Take the options of an earlier job; those that the form does not have are left out. */
  async set(options) {
    this.described ??= await describedOptions();
    const known = OPTIONS.filter(({ name }) => name in this.described);
    const isOther = (name) => options[name] != null && JSON.stringify(options[name]) !== JSON.stringify(this.#usual(name));
    this.values = Object.fromEntries(known.filter(({ name }) => isOther(name)).map(({ name }) => [name, given(options[name])]));
    const { distance_mm: mm, distance_diameters: diameters } = this.values.camera ?? {};
    if (mm ?? diameters) delete this.values.normalize; // It follows from the distance, and both together are refused.
    this.problems = {};
    this.#show();
    this.onChange();
  }

  /** Show what is of a CAD's format. */
  showFor(format) {
    if (format === this.format) return;
    this.format = format;
    this.#show();
  }

  /** What is going to be made, in one line. */
  summary() {
    if (!this.described) return "";
    if (this.problem) return this.problem;
    const { camera, layout = "sam6d", resolution = this.#usual("resolution"), quality: chosen = this.#usual("quality") } = this.values;
    const quality = t(`option.quality.${chosen}`);
    if (camera) return t("options.summary.camera", { quality });
    const level = levelOf(this.values);
    const views = level == null ? t(`option.layout.${layout}`) : tn("views", [42, 162, 642][level]);
    const size = layout.startsWith("sam6d") || this.values.resolution ? `${resolution} × ${resolution}` : t(`option.layout.${layout}`);
    return t("options.summary", { views, size, quality });
  }

  #usual(name) {
    return OPTIONS.find((option) => option.name === name).usual ?? this.described[name].default;
  }

  #show() {
    if (!this.described) return;
    const fields = OPTIONS.filter((option) => this.#applies(option)).map((option) => [option, this.#field(option)]);
    const isOpen = this.body.querySelector("details")?.open ?? false;
    fill(
      this.body,
      fields.filter(([option]) => !option.more).map(([, field]) => field),
      h("details", { class: "more-options", open: isOpen }, h("summary", {}, t("options.more")),
        h("div", { class: "options-body" }, fields.filter(([option]) => option.more).map(([, field]) => field))),
    );
    this.reset.hidden = !Object.keys(this.values).length;
  }

  #applies({ name, layouts, formats, when }) {
    if (!(name in this.described) || (when && !when(this.values))) return false;
    if (layouts && !layouts.includes(this.values.layout ?? "sam6d")) return false;
    return !formats || !this.format || formats.includes(this.format);
  }

  #field(option) {
    const { name } = option;
    const described = { ...this.described[name], usual: this.#usual(name) };
    return control(option, described, this.values[name], (value, problem = null) => this.#take(option, value, problem), {
      label: t(`option.${name}`),
      help: hasText(`option.${name}.help`) ? t(`option.${name}.help`) : described.description,
      more: described.description,
    });
  }

  #take({ name, kind }, value, problem) {
    if (problem) this.problems[name] = `${t(`option.${name}`)}: ${problem}`;
    else delete this.problems[name];
    if (value == null || JSON.stringify(value) === JSON.stringify(this.#usual(name))) delete this.values[name];
    else this.values[name] = value;
    if (name === "layout" && this.values.layout) for (const { name: other, layouts } of OPTIONS) if (layouts) delete this.values[other];
    // A field that is being typed into is left alone.
    if (kind !== "number" && kind !== "text" && kind !== "json") this.#show();
    this.reset.hidden = !Object.keys(this.values).length;
    this.onChange();
  }
}
