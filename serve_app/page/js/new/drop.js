// Dropping and choosing files.

import { h, icon } from "../base/dom.js";
import { t } from "../base/i18n.js";
import { ACCEPTED, droppedFiles } from "./files.js";

/** Take what is dropped anywhere on the page; gives a function that ends it. */
export function acceptDrops(target, add) {
  let depth = 0;
  const veil = h("div", { class: "drop-veil", hidden: true }, icon("upload"), h("p", {}, t("new.release")));
  const isFiles = (event) => event.dataTransfer?.types.includes("Files");
  const show = (wanted) => (veil.hidden = !wanted);
  const enter = (event) => isFiles(event) && (event.preventDefault(), (depth += 1), show(true));
  const over = (event) => isFiles(event) && event.preventDefault();
  const leave = (event) => isFiles(event) && ((depth -= 1), depth || show(false));
  const drop = async (event) => {
    if (!isFiles(event)) return;
    event.preventDefault();
    depth = 0;
    show(false);
    add(await droppedFiles(event.dataTransfer));
  };
  const handlers = { dragenter: enter, dragover: over, dragleave: leave, drop };
  target.append(veil);
  for (const [name, handler] of Object.entries(handlers)) target.addEventListener(name, handler);
  return () => {
    veil.remove();
    for (const [name, handler] of Object.entries(handlers)) target.removeEventListener(name, handler);
  };
}

/** A button that lets files be chosen. */
export function chooser(add, words, kind) {
  const input = h("input", { type: "file", multiple: true, accept: ACCEPTED, hidden: true, "aria-label": t(words), onchange: () => {
    add([...input.files]);
    input.value = "";
  } });
  return h("span", {}, input, h("button", { class: kind, onclick: () => input.click() }, icon("upload"), t(words)));
}
