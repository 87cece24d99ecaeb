// What is said to a person: errors with their remedy, warnings, short notices.

import { h, icon } from "../base/dom.js";
import { hasText, t } from "../base/i18n.js";

/** A sentence with a mark. */
export function note(kind, ...content) {
  return h("div", { class: `note ${kind}`, role: kind === "bad" ? "alert" : null }, icon("warning"), h("div", { class: "stack-tight" }, ...content));
}

/** A failure: what the server said (it names value and remedy), what can be done here, and its code for whoever is asked for help. */
export function failed(error) {
  const { code, field } = error;
  const remedy = code && hasText(`remedy.${code}`) ? h("p", { class: "quiet" }, t(`remedy.${code}`)) : null;
  const named = code ? h("p", { class: "code mono" }, field ? `${code} · ${field}` : code) : null;
  const title = code && hasText(`error.${code}`) ? h("p", {}, h("strong", {}, t(`error.${code}`))) : null;
  return note("bad", title, h("p", {}, textOf(error)), remedy, named);
}

export function textOf(error) {
  if (error?.name === "LostError" || error?.constructor?.name === "LostError") return t("lost.action");
  return error?.message || error?.detail || String(error);
}

/** A notice that goes by itself. */
export function toast(text, kind = "") {
  const element = h("div", { class: `toast appear ${kind}` }, text);
  document.getElementById("toasts").append(element);
  setTimeout(() => element.remove(), kind === "bad" ? 8000 : 3000);
}

export const state = (status) => h("span", { class: `state ${status}` }, t(`state.${status}`));
