// One control for each kind of option.

import { h, newId } from "../base/dom.js";
import { hasText, t } from "../base/i18n.js";

/**
 * @param {{name: string, kind: string}} option
 * @param {{usual: any, choices?: any[], minimum?: number, maximum?: number}} described by the server.
 * @param {any} value that was chosen; undefined where none was.
 * @param {(value: any, problem?: string | null) => void} take
 * @param {{label: string, help: string, more: string}} words
 */
export function control(option, described, value, take, words) {
  const id = newId(option.name);
  const help = h("p", { class: "help", id: `${id}-help`, title: words.more }, words.help);
  const changed = value !== undefined ? "changed" : "";
  const made = KINDS[option.kind]({ id, option, described, value, take, words });
  if (option.kind === "tick") return h("div", { class: `field ${changed}`, data: { option: option.name } }, made, help);
  const label = option.kind === "choice" || option.kind === "ticks"
    ? h("span", { class: "label", id: `${id}-label` }, words.label)
    : h("label", { for: id }, words.label);
  return h("div", { class: `field ${changed}`, data: { option: option.name } }, label, made, help);
}

const said = (name, value) => (hasText(`option.${name}.${value}`) ? t(`option.${name}.${value}`) : String(value));

const KINDS = {
  choice({ id, option, described, value, take }) {
    const chosen = value ?? described.usual;
    return h("div", { class: "choice", role: "group", "aria-labelledby": `${id}-label`, "aria-describedby": `${id}-help` }, (option.choices ?? described.choices).map((choice) =>
      h("button", { type: "button", "aria-pressed": String(choice === chosen), data: { value: choice }, onclick: () => take(choice) }, said(option.name, choice))));
  },

  select({ id, option, described, value, take }) {
    return h("select", { id, "aria-describedby": `${id}-help`, onchange: (event) => take(event.target.value) },
      described.choices.map((choice) => h("option", { value: choice, selected: choice === (value ?? described.usual) }, said(option.name, choice))));
  },

  tick({ id, described, value, take, words }) {
    return h("label", { class: "tick" }, h("input", { id, type: "checkbox", checked: value ?? described.usual, "aria-describedby": `${id}-help`, onchange: (event) => take(event.target.checked) }),
      h("span", { class: "label" }, words.label));
  },

  ticks({ id, option, described, value, take }) {
    const boxes = described.choices.map((choice) => {
      const box = h("input", { type: "checkbox", value: choice, checked: value?.includes(choice), onchange: read });
      return [box, h("label", { class: "tick small" }, box, said(option.name, choice))];
    });
    function read() {
      const chosen = boxes.map(([box]) => box).filter((box) => box.checked).map((box) => box.value);
      take(chosen.length ? chosen : null);
    }
    return h("div", { class: "ticks", role: "group", "aria-labelledby": `${id}-label` }, boxes.map(([, label]) => label));
  },

  number({ id, option, described, value, take }) {
    const { minimum, maximum } = described;
    const list = option.steps ? h("datalist", { id: `${id}-steps` }, option.steps.map((step) => h("option", { value: step }))) : null;
    const read = (event) => {
      const { value: text, valueAsNumber: found, validity } = event.target;
      if (text === "" && !validity.badInput) return take(null);
      const wrong = Number.isNaN(found) || found < (minimum ?? -Infinity) || found > (maximum ?? Infinity) || (!option.step && !Number.isInteger(found));
      take(wrong ? null : found, wrong ? t("option.number", { minimum: minimum ?? 0, maximum: maximum ?? "∞" }) : null);
    };
    return [h("input", { id, type: "number", min: minimum == null ? null : String(minimum), max: maximum == null ? null : String(maximum), step: String(option.step ?? 1), value: value == null ? "" : String(value),
      placeholder: described.usual == null ? t("option.auto") : String(described.usual), list: list ? list.id : null, "aria-describedby": `${id}-help`, oninput: read }), list];
  },

  text({ id, described, value, take }) {
    return h("input", { id, value: value ?? "", pattern: described.pattern, placeholder: t("option.auto"), "aria-describedby": `${id}-help`, oninput: (event) => {
      const { value: text, validity } = event.target;
      take(validity.valid ? text || null : null, validity.valid ? null : t("option.text"));
    } });
  },

  json({ id, value, take }) {
    return h("textarea", { id, rows: 4, spellcheck: "false", value: value ? JSON.stringify(value, null, 1) : "", placeholder: '{"fx": 572.4, "fy": 573.6, "cx": 325.3, "cy": 242, "width": 640, "height": 480, "distance_mm": 400}', "aria-describedby": `${id}-help`, oninput: (event) => {
      const text = event.target.value.trim();
      try {
        take(text ? JSON.parse(text) : null);
      } catch (error) {
        take(null, error.message);
      }
    } });
  },
};
