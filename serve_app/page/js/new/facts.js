// What the server found in a CAD: size, unit with a switch, parts to choose, what is assumed, warnings.

import { h, icon } from "../base/dom.js";
import { mm, number, sizeMm } from "../base/format.js";
import { t, tn } from "../base/i18n.js";
import { failed, note } from "../parts/notes.js";

const UNITS = ["mm", "cm", "m", "inch"];

/** @param {import("./item.js").Item} item @param {() => void} onParts other parts were chosen. */
export function facts(item, onParts) {
  const found = item.facts;
  return [
    item.error ? failed(item.error) : null,
    item.error && item.source && !found ? h("button", { onclick: () => void item.setUnit(item.unit) }, icon("again"), t("new.retry")) : null,
    !found ? null : [
      h("p", { class: "size-line numbers" }, sizeMm(found.size_mm)),
      unitSwitch(item),
      h("dl", { class: "facts" },
        fact("facts.diameter", `${mm(found.diameter_mm)} mm`),
        fact("facts.faces", number(found.faces)),
        fact("facts.looks", looks(found))),
      found.warnings.map((warning) => note("warn", h("p", { lang: "en" }, warning))),
      found.part_count ? partList(item, onParts) : null,
      found.assumed.length ? h("details", { class: "small" }, h("summary", {}, t("facts.assumed")), h("ul", { class: "dashes" }, found.assumed.map((text) => h("li", { lang: "en" }, text)))) : null,
    ],
  ];
}

const fact = (words, value) => [h("dt", {}, t(words)), h("dd", {}, value)];

function looks({ textures, vertex_colors: colors, materials }) {
  if (textures) return tn("facts.textures", textures);
  if (colors) return t("facts.colors");
  return materials ? tn("facts.materials", materials) : t("facts.grey");
}

function unitSwitch(item) {
  const { unit, unit_from: source } = item.facts;
  return h(
    "div",
    { class: "field" },
    h("span", { class: "label", id: "unit-label" }, t("facts.unit")),
    h("div", { class: "choice", role: "group", "aria-labelledby": "unit-label" }, UNITS.map((name) =>
      h("button", { type: "button", "aria-pressed": String(unit === name), disabled: item.state === "inspecting", onclick: () => void item.setUnit(name) }, name))),
    h("p", { class: `help ${source === "assumed" ? "assumed" : ""}` }, t(`facts.unit.${source}`, { format: `.${item.facts.format}` })),
  );
}

function partList(item, onParts) {
  const { parts } = item.facts;
  const names = [...new Set(parts.map((part) => part.name))];
  const chosen = new Set(item.parts ?? names);
  const heading = h("summary", {});
  const said = () => (heading.textContent = t("facts.parts", { chosen: number(chosen.size), total: number(names.length) }));
  const all = h("button", { class: "link small", onclick: () => (boxes.forEach((box) => (box.checked = true)), take()) }, t("facts.parts.all"));
  const boxes = [];
  const lines = names.slice(0, 300).map((name) => {
    const part = parts.find((one) => one.name === name);
    const box = h("input", { type: "checkbox", checked: chosen.has(name), value: name, onchange: take });
    boxes.push(box);
    return h("li", {}, h("label", { class: "tick" }, box, h("span", { class: "cut", title: name }, name), h("span", { class: "push quiet small nowrap numbers" }, sizeMm(part.size_mm))));
  });
  function take() {
    const named = boxes.filter((box) => box.checked).map((box) => box.value);
    if (!named.length) return void boxes.forEach((box) => (box.checked = chosen.has(box.value))); // There must be one.
    chosen.clear();
    named.forEach((name) => chosen.add(name));
    item.parts = named.length === names.length ? null : named;
    said();
    onParts();
  }
  said();
  return h("details", { open: names.length <= 8 }, heading, h("div", { class: "row small" }, all), h("ul", { class: "part-list" }, lines));
}
