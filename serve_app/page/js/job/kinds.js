// Which of a view's images is shown.

import { h } from "../base/dom.js";
import { t } from "../base/i18n.js";

export const KINDS = ["rgb", "mask", "xyz", "depth"];

/** Buttons for the kinds that a view has; for all of them where there is no view yet. */
export function kindChoice(chosen, choose, view = null) {
  const kinds = KINDS.filter((kind) => !view?.files || view.files[kind]);
  return h("div", { class: "choice", role: "group", "aria-label": t("kind.title") }, kinds.map((kind) =>
    h("button", { data: { kind }, "aria-pressed": String(kind === chosen), onclick: () => choose(kind) }, t(`kind.${kind}`))));
}
