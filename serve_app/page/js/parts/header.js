// Name, places, the server at a glance, language and colours.

import { asset } from "../base/assets.js";
import { fill, h, icon } from "../base/dom.js";
import { LANGUAGES, chooseLanguage, currentLanguage, t } from "../base/i18n.js";
import { toggleTheme } from "../base/theme.js";
import { glance } from "./glance.js";

/** @param {string} screen that is shown. @param {() => void} again shows it once more, in another language. */
export function renderHeader(screen, again) {
  const place = (name, address, also = []) =>
    h("a", { href: address, "aria-current": [name, ...also].includes(screen) ? "page" : null }, t(`nav.${name}`));
  const language = h(
    "select",
    { "aria-label": t("header.language"), onchange: async (event) => (await chooseLanguage(event.target.value), again()) },
    Object.entries(LANGUAGES).map(([name, label]) => h("option", { value: name, selected: name === currentLanguage(), lang: name }, label)),
  );
  document.querySelector(".skip").textContent = t("header.skip");
  fill(
    document.getElementById("header"),
    h("a", { class: "brand", href: location.pathname }, h("img", { src: asset("img/icon.svg"), alt: "" }), h("span", {}, "Render Server")),
    h("nav", { "aria-label": t("header.places") }, place("new", location.pathname), place("jobs", "?view=jobs", ["job", "compare"])),
    h(
      "div",
      { class: "tools" },
      glance(),
      language,
      h("button", { class: "plain icon-only", "aria-label": t("header.theme"), title: t("header.theme"), onclick: toggleTheme }, icon("theme")),
    ),
  );
}
