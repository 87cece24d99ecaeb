// Says that the server is away, and that it is back.

import { onConnection } from "../base/connection.js";
import { fill, h } from "../base/dom.js";
import { t } from "../base/i18n.js";

const BACK_SHOWN_MS = 3000;

export function startBanner(element) {
  onConnection((lost) => {
    element.classList.toggle("back", !lost);
    if (lost) return void fill(element, h("span", { class: "spinner" }), h("span", {}, t("lost.banner")));
    fill(element, h("span", {}, t("lost.back")));
    setTimeout(() => element.classList.contains("back") && fill(element), BACK_SHOWN_MS);
  });
}
