// Starts the page: words, colours, the header, and the screen that the address names.

import { fill } from "./base/dom.js";
import { loadLanguage, t } from "./base/i18n.js";
import { onAddress, parameters } from "./base/router.js";
import { applyTheme } from "./base/theme.js";
import { startBanner } from "./parts/banner.js";
import { renderHeader } from "./parts/header.js";
import { failed } from "./parts/notes.js";

const main = document.getElementById("main");
let leave = () => {};
let shown = 0;

function screenOf({ job, compare, view }) {
  if (compare) return ["compare", () => import("./compare/screen.js")];
  if (job) return ["job", () => import("./job/screen.js")];
  if (view === "jobs") return ["jobs", () => import("./jobs/screen.js")];
  return ["new", () => import("./new/screen.js")];
}

/** Show what the address names. Each screen's `mount(root, parameters)` gives a function that ends it. */
async function show() {
  const turn = (shown += 1);
  leave();
  leave = () => {};
  const asked = parameters();
  const [name, load] = screenOf(asked);
  renderHeader(name, show);
  document.title = `${t(`title.${name}`)} · Render Server`;
  fill(main).className = `screen-${name}`;
  try {
    const { mount } = await load();
    if (turn !== shown) return;
    leave = mount(main, asked) ?? leave;
  } catch (error) {
    fill(main, failed(error));
  }
}

applyTheme();
await loadLanguage();
startBanner(document.getElementById("banner"));
onAddress(() => {
  if (shown) main.focus({ preventScroll: true }); // What had it is gone.
  window.scrollTo(0, 0);
  void show();
});
