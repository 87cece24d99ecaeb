// What is said to a person: errors with their remedy, warnings, short notices.

import { h, icon } from "../base/dom.js";
import { hasText, t } from "../base/i18n.js";

/** A sentence with a mark. */
export function note(kind, ...content) {
  return h("div", { class: `note ${kind}`, role: kind === "bad" ? "alert" : null }, icon("warning"), h("div", { class: "stack-tight" }, ...content));
}

/**
 * A failure: what it is and what can be done, what the server said (it names the value), and its code for whoever is asked for help.
 * The server speaks English; a language that is another has its own sentences by code (`i18n/errors`), and where it lacks one, the server's stands alone.
 */
export function failed(error) {
  const { code, field } = error;
  const named = code ? h("p", { class: "code mono" }, field ? `${code} · ${field}` : code) : null;
  const said = h("p", { lang: code ? "en" : null }, textOf(error));
  const remedy = code && hasText(`remedy.${code}`) ? h("p", {}, t(`remedy.${code}`)) : null;
  if (!hasOwn(error)) return note("bad", said, remedy, named);
  return note("bad",
    h("p", {}, h("strong", {}, t(`error.${code}`))),
    remedy,
    h("div", { class: "said small stack-tight" }, h("p", { class: "quiet" }, t("error.said")), said, named));
}

const hasOwn = (error) => Boolean(error?.code && hasText(`error.${error.code}`));

/** A failure in one sentence. */
export const shortOf = (error) => (hasOwn(error) ? t(`error.${error.code}`) : textOf(error));

function textOf(error) {
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
