// A CAD that lies on the server's own disk: nothing is sent, and the results go to a folder there.

import { h, newId } from "../base/dom.js";
import { t } from "../base/i18n.js";

export function serverPath(take) {
  const cad = field("path.cad", "examples/flange.stl");
  const folder = field("path.folder", "output/flange");
  const form = h("form", { class: "server-path" }, ...cad.parts, ...folder.parts, h("button", { type: "submit" }, t("path.take")));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    take({ cad_path: cad.input.value.trim(), output_dir: folder.input.value.trim() });
  });
  return h("details", { class: "small" }, h("summary", {}, t("path.title")), h("p", { class: "quiet" }, t("path.why")), form);
}

function field(words, example) {
  const id = newId("path");
  const input = h("input", { id, required: true, placeholder: example, spellcheck: "false", autocomplete: "off" });
  return { input, parts: [h("label", { for: id }, t(words)), input] };
}
