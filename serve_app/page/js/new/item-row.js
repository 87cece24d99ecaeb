// A CAD's line in the list.

import { h, icon } from "../base/dom.js";
import { number, sizeMm } from "../base/format.js";
import { t, tn } from "../base/i18n.js";
import { shortOf } from "../parts/notes.js";

export function itemRow(item, isSelected, select, remove) {
  return h(
    "li",
    { class: `item ${item.state}` },
    h("button", { class: "item-select", "aria-pressed": String(isSelected), onclick: () => select(item) },
      h("span", { class: "item-name cut", title: item.name }, item.name),
      h("span", { class: "item-line small quiet cut numbers" }, ...lineOf(item))),
    item.facts?.warnings.length ? h("span", { class: "item-mark warn", title: tn("new.warnings", item.facts.warnings.length) }, icon("warning")) : null,
    h("button", { class: "plain icon-only", "aria-label": t("new.remove", { name: item.name }), onclick: () => remove(item) }, icon("close")),
    item.state === "uploading" ? h("progress", { value: item.share, max: 1, "aria-label": t("new.sending") }) : null,
  );
}

function lineOf({ state, share, facts, error, job }) {
  if (job) return [t("new.sent")];
  if (error) return [h("span", { class: "problem" }, shortOf(error))];
  if (state === "uploading") return [`${t("new.sending")} ${number(share * 100)} %`];
  if (state === "inspecting" && !facts) return [t("new.reading")];
  return [`${facts.format.toUpperCase()} · ${sizeMm(facts.size_mm)}`];
}
