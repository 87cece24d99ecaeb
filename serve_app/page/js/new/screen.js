// The start: CADs are dropped, looked at, and sent to be rendered.

import { newKey } from "../base/api.js";
import { fill, h, icon } from "../base/dom.js";
import { t, tn } from "../base/i18n.js";
import { addressOf, go } from "../base/router.js";
import { failed, toast } from "../parts/notes.js";
import { acceptDrops, chooser } from "./drop.js";
import { facts } from "./facts.js";
import { uploadsOf } from "./files.js";
import { Item, sourceOfJob } from "./item.js";
import { itemRow } from "./item-row.js";
import { OptionsForm } from "./options-form.js";
import { Preview } from "./preview.js";
import { serverPath } from "./server-path.js";

export function mount(root, { from }) {
  const items = [];
  let selected = null;
  let sending = false;

  const list = h("ul", { class: "items", "aria-label": t("new.cads") });
  const details = h("div", { class: "facts-box" });
  const options = new OptionsForm(() => (showAction(), preview.showCameras(options.values)));
  const preview = new Preview();
  const action = h("div", { class: "render-bar" });
  const start = h("section", { class: "start" });
  const grid = h(
    "div",
    { class: "new-grid" },
    h("h1", { class: "sr" }, t("title.new")),
    h("section", { class: "panel cads", "aria-label": t("new.cads") },
      h("div", { class: "head" }, h("h2", {}, t("new.cads")), h("span", { class: "push" }), chooser(add, "new.add", "plain")), list, details),
    h("section", { class: "panel scene-panel", "aria-label": t("new.preview") }, preview.element),
    h("section", { class: "panel options", "aria-label": t("options.title") }, options.element, action),
  );

  function add(files) {
    const { uploads, unknown } = uploadsOf(files);
    if (unknown.length) toast(t("new.unknown", { names: unknown.slice(0, 4).join(", ") }), "bad");
    for (const one of uploads) take(Item.ofFiles(one, changed, (name, source) => take(Item.ofSource(source, changed, name))));
  }

  function take(item) {
    items.push(item);
    selected ??= item;
    show();
    if (item === selected) void preview.show(item);
  }

  function changed(item) {
    if (!items.includes(item)) return;
    showList();
    if (item !== selected) return;
    showFacts();
    void preview.show(item);
  }

  function select(item) {
    selected = item;
    show();
    void preview.show(item);
  }

  function remove(item) {
    item.remove();
    items.splice(items.indexOf(item), 1);
    if (item === selected) {
      selected = items[0] ?? null;
      void preview.show(selected);
    }
    show();
  }

  function showList() {
    fill(list, items.map((item) => itemRow(item, item === selected, select, remove)));
    showAction();
  }

  function showFacts() {
    fill(details, selected ? facts(selected, () => (preview.choose(selected.parts), showList())) : null);
    options.showFor(selected?.facts?.format);
  }

  function showAction() {
    const ready = items.filter((item) => item.state === "ready" && !item.job);
    const busy = items.some((item) => item.state === "uploading" || item.state === "inspecting");
    fill(action,
      h("button", { class: "primary large", disabled: sending || !ready.length || options.problem !== null, onclick: () => void send(ready) },
        sending || busy ? h("span", { class: "spinner" }) : icon("cube"), ready.length > 1 ? tn("new.render", ready.length) : t("new.render.this")),
      h("p", { class: "quiet small" }, options.summary()));
  }

  async function send(ready) {
    sending = true;
    showAction();
    const group = ready.length > 1 ? newKey() : null;
    const jobs = await Promise.all(ready.map((item) => (item.key ??= newKey(), item.render(options.values, item.key, group)).catch((error) => {
      item.key = null;
      item.error = error;
      select(item);
      return null;
    })));
    sending = false;
    if (jobs.some((job) => job === null)) return show();
    go(jobs.length === 1 ? { job: jobs[0] } : { view: "jobs" });
  }

  function show() {
    const empty = !items.length;
    grid.hidden = empty;
    start.hidden = !empty;
    showList();
    showFacts();
    preview.resize();
  }

  fill(start, startScreen(add, (source) => take(Item.ofSource(source, changed))));
  fill(root, start, grid);
  const endDrops = acceptDrops(document.body, add);
  void options.load();
  show();
  if (from) void again(from);

  async function again(jobId) {
    try {
      const { job, source } = await sourceOfJob(jobId);
      options.set(job.options);
      const { unit = "auto", parts = null } = job.options;
      take(Item.ofSource(source, changed, undefined, { unit, parts }));
    } catch (error) {
      start.prepend(failed(error));
    }
  }

  return () => {
    endDrops();
    preview.dispose();
    items.forEach((item) => item.job ?? item.remove());
  };
}

function startScreen(add, takeSource) {
  return [
    h("div", { class: "drop-zone" },
      icon("upload"),
      h("h1", {}, t("new.drop")),
      h("p", { class: "quiet" }, t("new.formats")),
      chooser(add, "new.choose", "primary large"),
      serverPath(takeSource)),
    h("ol", { class: "steps" }, ["look", "render", "use"].map((step, index) =>
      h("li", {}, h("span", { class: "step-number", "aria-hidden": "true" }, String(index + 1)), h("div", {}, h("h2", {}, t(`step.${step}`)), h("p", { class: "quiet small" }, t(`step.${step}.more`)))))),
    h("p", { class: "quiet small centered" }, h("a", { href: addressOf({ view: "jobs" }) }, t("new.jobs")), " · ", h("a", { href: "docs", target: "_blank" }, t("glance.api"))),
  ];
}
