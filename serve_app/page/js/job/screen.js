// One job: its views as they come, and what can be done with it.

import { request } from "../base/api.js";
import { fill, h, icon } from "../base/dom.js";
import { baseName } from "../base/format.js";
import { t } from "../base/i18n.js";
import { addressOf, keep } from "../base/router.js";
import { failed, note, shortOf, state, toast } from "../parts/notes.js";
import { KINDS, kindChoice } from "./kinds.js";
import { Large } from "./large.js";
import { progressOf } from "./progress.js";
import { Sheet } from "./sheet.js";
import { factsOf } from "./side.js";
import { usePanel } from "./use.js";
import { JobWatch } from "./watch.js";

export function mount(root, parameters) {
  const { job: id } = parameters;
  let kind = KINDS.includes(parameters.kind) ? parameters.kind : "rgb";
  let place = parameters.place === "sphere" ? "sphere" : "grid";
  let sphere = null;
  const ended = new AbortController();
  const watch = new JobWatch(id, changed, (error) => fill(root, failed(error), h("p", {}, h("a", { href: addressOf({ view: "jobs" }) }, t("job.all")))));
  const large = new Large(() => watch.views, setKind, (index) => (keep({ i: null }), sheet.focus(index)));
  const sheet = new Sheet(open, ended.signal);

  const head = h("div", { class: "screen-head" });
  const progress = h("div");
  const problems = h("div", { class: "stack" });
  const bar = h("div", { class: "views-bar row" });
  const box = h("div", { class: "sphere-box", hidden: true });
  const waiting = h("p", { class: "quiet waiting", hidden: true });
  const views = h("section", { class: "panel views-panel", "aria-label": t("job.views") }, bar, h("div", { class: "views-body" }, waiting, sheet.element, box));
  const side = h("section", { class: "panel side", "aria-label": t("job.facts") });
  const use = h("section", { class: "panel use", "aria-label": t("use.title") });
  fill(root, h("p", { class: "quiet" }, h("span", { class: "spinner" })));

  function setKind(wanted) {
    kind = wanted;
    keep({ kind: kind === "rgb" ? null : kind });
    showViews(null);
  }

  async function setPlace(wanted) {
    place = wanted;
    keep({ place: place === "grid" ? null : place });
    sheet.element.hidden = place === "sphere";
    box.hidden = place === "grid";
    if (place === "sphere" && !sphere) {
      const { Sphere } = await import("./sphere.js");
      if (ended.signal.aborted || sphere) return;
      sphere = new Sphere(box, open, ended.signal);
    }
    showViews(null);
  }

  function open(index) {
    keep({ i: index });
    large.open(index, kind);
  }

  function changed({ views: some }) {
    if (!head.isConnected) begin();
    showHead();
    showViews(some);
    if (some === null) {
      fill(problems, problemsOf(watch));
      fill(side, factsOf(watch.job));
      usePanel(use, watch.job);
    }
    large.update();
  }

  function begin() {
    fill(root, head, progress, problems, h("div", { class: "job-grid" }, views, h("div", { class: "stack" }, side, use)));
    if (place === "sphere") void setPlace(place);
    const asked = Number(parameters.i);
    if (parameters.i !== undefined && watch.views[asked]?.state === "rendered") open(asked);
  }

  function showHead() {
    const { job, isOver } = watch;
    document.title = `${baseName(job.cad_path)} · Render Server`;
    fill(progress, progressOf(watch));
    if (head.dataset.status === job.status) return;
    head.dataset.status = job.status;
    fill(head,
      h("h1", {}, baseName(job.cad_path)), state(job.status),
      h("div", { class: "actions" },
        isOver ? null : h("button", { class: "danger", onclick: (event) => void cancel(event.currentTarget) }, icon("stop"), t("job.cancel")),
        isOver ? h("a", { class: "button", href: addressOf({ from: id }) }, icon("again"), t("job.again")) : null,
        job.status === "succeeded" ? h("a", { class: "button", href: addressOf({ compare: id }) }, icon("compare"), t("job.compare")) : null));
  }

  function showViews(some) {
    if (!watch.job) return;
    const flagged = watch.views.filter((view) => view.flags?.length).length;
    if (some === null) {
      fill(bar, kindChoice(kind, setKind, watch.views[0]),
        h("div", { class: "choice", role: "group", "aria-label": t("job.place") }, ["grid", "sphere"].map((name) =>
          h("button", { data: { place: name }, "aria-pressed": String(place === name), onclick: () => void setPlace(name) }, icon(name), t(`job.place.${name}`)))),
        flagged ? h("span", { class: "small flagged push" }, icon("warning"), t("job.flagged", { count: flagged })) : null);
    }
    const none = !watch.views.length;
    bar.hidden = none && watch.isOver; // There is nothing to choose among.
    waiting.hidden = !none;
    waiting.textContent = watch.isOver ? (watch.gone ? shortOf(watch.gone) : t("job.views.gone")) : t("job.views.none");
    if (place === "grid") sheet.show(watch.views, kind, some);
    else if (!none) sphere?.show(watch.views, kind, some);
  }

  async function cancel(button) {
    button.disabled = true; // It is answered when the views that are being rendered have ended.
    try {
      await request(watch.path, { method: "DELETE" });
      toast(t("job.canceled"));
    } catch (error) {
      toast(shortOf(error), "bad");
    }
    button.disabled = false;
  }

  return () => {
    watch.stop();
    ended.abort(new DOMException("left", "AbortError"));
    sphere?.dispose();
    large.dialog.remove();
  };
}

function problemsOf({ job }) {
  return [
    job.error && job.status !== "canceled" ? failed(job.error) : null,
    ...job.warnings.slice(0, 6).map((warning) => note("warn", h("p", { lang: "en" }, warning))),
    job.warnings.length > 6 ? h("details", {}, h("summary", { class: "small" }, t("job.warnings.more", { count: job.warnings.length - 6 })), job.warnings.slice(6).map((warning) => note("warn", h("p", { lang: "en" }, warning)))) : null,
  ];
}
