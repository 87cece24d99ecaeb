// Asks for the API key, once for all requests that wait for it.

import { h, icon, newId } from "./dom.js";
import { t } from "./i18n.js";

let asking = null;

/** @returns {Promise<string>} what was typed. */
export function askKey(wasWrong) {
  asking ??= ask(wasWrong).finally(() => (asking = null));
  return asking;
}

function ask(wasWrong) {
  return new Promise((resolve) => {
    const label = newId("key");
    const help = newId("key-help");
    const input = h("input", { id: label, type: "password", autocomplete: "off", required: true, spellcheck: "false", "aria-describedby": help });
    const form = h(
      "form",
      { method: "dialog", class: "key-form" },
      h("h2", {}, icon("key"), t("key.title")),
      h("p", { id: help, class: wasWrong ? "problem" : "quiet" }, t(wasWrong ? "key.wrong" : "key.why")),
      h("label", { for: label }, t("key.label")),
      input,
      h("p", { class: "quiet small" }, t("key.kept")),
      h("button", { class: "primary", type: "submit" }, t("key.send")),
    );
    const dialog = h("dialog", { class: "key", "aria-label": t("key.title") }, form);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const key = input.value.trim();
      if (!key) return;
      dialog.close();
      dialog.remove();
      resolve(key);
    });
    dialog.addEventListener("cancel", (event) => event.preventDefault()); // Nothing works without it.
    document.body.append(dialog);
    dialog.showModal();
    input.focus();
  });
}
