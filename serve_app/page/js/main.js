// Starts the page: words, colours, the header, and the screen that the address names.

import { fill } from "./base/dom.js";
import { loadLanguage, t } from "./base/i18n.js";
import { onAddress, parameters } from "./base/router.js";
import { applyTheme } from "./base/theme.js";
import * as compare from "./compare/screen.js";
import * as job from "./job/screen.js";
import * as jobs from "./jobs/screen.js";
import * as start from "./new/screen.js";
import { startBanner } from "./parts/banner.js";
import { renderHeader } from "./parts/header.js";

const main = document.getElementById("main");
let leave = () => {};

// All of them are here from the start: a server that is away could not send another.
const SCREENS = { compare, job, jobs, new: start };

function screenOf({ job: id, compare: ids, view }) {
  if (ids) return "compare";
  if (id) return "job";
  return view === "jobs" ? "jobs" : "new";
}

/** Show what the address names. Each screen's `mount(root, parameters, isBack)` gives a function that ends it. */
function show(isBack = false) {
  const asked = parameters();
  const name = screenOf(asked);
  renderHeader(name, () => (leave(), show()));
  document.title = `${t(`title.${name}`)} · Render Server`;
  fill(main).className = `screen-${name}`;
  leave = SCREENS[name].mount(main, asked, isBack) ?? (() => {});
}

applyTheme();
await loadLanguage();
startBanner(document.getElementById("banner"));
onAddress((isBack) => {
  leave();
  if (main.hasChildNodes()) main.focus({ preventScroll: true }); // What had it is gone.
  window.scrollTo(0, 0);
  show(isBack);
});
// The largest part, for 3D, when nothing else is to be done.
(window.requestIdleCallback ?? setTimeout)(() => void import("./scene/part.js").catch(() => {}));
