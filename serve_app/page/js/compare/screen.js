// Two results side by side: the same view of each, what differs, and what each was made with.

import { API, getJson } from "../base/api.js";
import { fill, h, icon, newId } from "../base/dom.js";
import { ago, baseName, number, seconds, sizeMm } from "../base/format.js";
import { t } from "../base/i18n.js";
import { imageAddress } from "../base/images.js";
import { addressOf, go, keep } from "../base/router.js";
import { fileOf } from "../job/watch.js";
import { kindChoice } from "../job/kinds.js";
import { valueOf } from "../job/side.js";
import { kept, thumbnail } from "../jobs/row.js";
import { failed, shortOf } from "../parts/notes.js";
import { differencePicture } from "./difference.js";

export function mount(root, parameters) {
  const [one, other] = parameters.compare.split(",");
  const ended = new AbortController();
  fill(root, h("p", { class: "quiet" }, h("span", { class: "spinner" })));
  const show = other ? showBoth(root, one, other, parameters) : showChoice(root, one, ended.signal);
  show.catch((error) => fill(root, failed(error)));
  return () => ended.abort(new DOMException("left", "AbortError"));
}

async function showChoice(root, id, signal) {
  const job = await getJson(`${API}/jobs/${encodeURIComponent(id)}`);
  const name = baseName(job.cad_path);
  const asked = new URLSearchParams({ limit: "50", status: "succeeded" });
  const { jobs } = await getJson(`${API}/jobs?${asked}`);
  const others = jobs.filter((other) => other.job_id !== id);
  others.sort((a, b) => (baseName(b.cad_path) === name) - (baseName(a.cad_path) === name));
  fill(root,
    h("h1", {}, t("compare.with", { name })),
    others.length ? h("ul", { class: "panel compare-list" }, others.map((other) => h("li", {}, h("a", { href: addressOf({ compare: `${id},${other.job_id}` }) },
      thumbnail(kept(other), signal),
      h("span", { class: "job-name" }, h("span", { class: "cut strong" }, baseName(other.cad_path)), h("span", { class: "cut quiet small numbers" }, describe(other))),
      h("span", { class: "push quiet small numbers" }, ago(other.created_at)))))) : h("p", { class: "quiet" }, t("compare.none")),
    h("p", {}, h("a", { class: "button", href: addressOf({ from: id }) }, icon("again"), t("job.again"))));
}

const describe = ({ options }) => [valueOf("quality", options.quality), `${options.resolution} px`, options.samples && `${t("view.samples")} ${options.samples}`].filter(Boolean).join(" · ");

async function loaded(id) {
  const path = `${API}/jobs/${encodeURIComponent(id)}`;
  const [job, { views }] = await Promise.all([getJson(path), getJson(`${path}/views`)]);
  return { job, views };
}

async function showBoth(root, one, other, parameters) {
  const sides = await Promise.all([loaded(one), loaded(other)]);
  const count = Math.min(...sides.map(({ views }) => views.length));
  let index = Math.min(Number(parameters.i) || 0, count - 1);
  let kind = parameters.kind ?? "rgb";
  const sliderId = newId("view");
  const label = h("label", { for: sliderId, class: "numbers" });
  const slider = h("input", { id: sliderId, type: "range", min: "0", max: String(count - 1), value: String(index), oninput: () => ((index = Number(slider.value)), show()) });
  const kinds = h("span");
  const boxes = sides.map(() => h("figure", { class: "panel compare-side" }));
  const difference = h("figure", { class: "panel compare-side" });

  function show() {
    keep({ i: index || null, kind: kind === "rgb" ? null : kind });
    label.textContent = t("job.view", { index: number(index) });
    fill(kinds, kindChoice(kind, (wanted) => ((kind = wanted), show()), sides[0].views[index]));
    sides.forEach(({ job, views }, at) => {
      const view = views[index];
      const image = boxes[at].querySelector("img") ?? h("img", { class: "compare-image" });
      image.alt = `${t("job.view", { index: number(index) })}, ${baseName(job.cad_path)}`;
      imageAddress(fileOf(view, kind)).then((address) => (image.src = address), () => image.removeAttribute("src"));
      const facts = [view.seconds != null && seconds(view.seconds), view.samples != null && `${t("view.samples")} ${number(view.samples)}`, view.estimated_error != null && `${t("view.error")} ${number(view.estimated_error, 2)}`];
      fill(boxes[at], image, h("figcaption", {}, h("a", { href: addressOf({ job: job.job_id }) }, "AB"[at], " · ", baseName(job.cad_path)), h("span", { class: "small numbers" }, describe(job)), h("span", { class: "quiet small numbers" }, facts.filter(Boolean).join(" · "))));
    });
    void showDifference(index, kind);
  }

  async function showDifference(at, what) {
    const paths = sides.map(({ views }) => fileOf(views[at], what));
    try {
      const { canvas, rms } = await differencePicture(...(await Promise.all(paths.map((path) => imageAddress(path)))));
      if (at !== index || what !== kind) return;
      canvas.className = "compare-image";
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", t("compare.difference"));
      fill(difference, canvas, h("figcaption", {}, h("span", {}, t("compare.difference")), h("span", { class: "quiet small numbers" }, t("compare.rms", { value: number(rms, 2) }))));
    } catch (error) {
      fill(difference, h("p", { class: "quiet pad" }, shortOf(error)));
    }
  }

  fill(root,
    h("div", { class: "screen-head" }, h("h1", {}, t("compare.title")), h("div", { class: "actions" }, h("button", { onclick: () => go({ compare: `${other},${one}`, i: index }) }, icon("compare"), t("compare.swap")))),
    h("div", { class: "panel views-bar row" }, kinds, h("div", { class: "row view-slider" }, slider, label)),
    h("div", { class: "compare-grid" }, boxes, difference),
    optionsTable(sides.map(({ job }) => job)));
  show();
}

/** Not how it looks, but where it came from. */
const WHERE = ["upload_id", "cad"];

/** The options in which two jobs differ. */
function optionsTable(jobs) {
  const rows = [["job.elapsed", jobs.map((job) => seconds(job.elapsed_sec))], ["facts.size", jobs.map((job) => (job.cad ? sizeMm(job.cad.size_mm) : ""))]];
  const names = [...new Set(jobs.flatMap((job) => Object.keys(job.options)))].filter((name) => !WHERE.includes(name) && JSON.stringify(jobs[0].options[name]) !== JSON.stringify(jobs[1].options[name]));
  for (const name of names) rows.push([`option.${name}`, jobs.map((job) => (job.options[name] == null ? "–" : valueOf(name, job.options[name])))]);
  return h("table", { class: "panel compare-table" },
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, t("compare.what")), h("th", { scope: "col" }, "A"), h("th", { scope: "col" }, "B"))),
    h("tbody", {}, rows.map(([words, values]) => h("tr", {}, h("th", { scope: "row" }, t(words)), values.map((value) => h("td", { class: "numbers" }, value))))));
}
