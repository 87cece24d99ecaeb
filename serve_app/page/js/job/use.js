// What can be done with a result: download it, ask for it again from elsewhere, give it to a pipeline.

import { getJson, request } from "../base/api.js";
import { fill, h, icon } from "../base/dom.js";
import { baseName } from "../base/format.js";
import { t } from "../base/i18n.js";
import { readKey } from "../base/storage.js";
import { describedOptions } from "../new/options-list.js";
import { failed, toast } from "../parts/notes.js";
import { ENDED } from "./watch.js";
import { commandOf, curlOf, pipelinesOf, pythonOf, requestOf } from "./commands.js";

const shownFor = new WeakMap();
let described = null;

/** Fill the panel of a job; it is left alone while nothing of it changes, so that what is open there stays open. */
export async function usePanel(panel, job) {
  const now = `${job.job_id} ${job.status} ${job.sam6d_cad} ${document.documentElement.lang}`;
  if (shownFor.get(panel) === now) return;
  shownFor.set(panel, now);
  described ??= describedOptions().catch(() => ({}));
  const usual = Object.fromEntries(Object.entries(await described).map(([name, option]) => [name, option.default]));
  const asked = requestOf(job, { ...usual, level: usual.level ?? null, unit: "auto" }, await uploadOf(job));
  const pipelines = job.status === "succeeded" ? pipelinesOf(job) : [];
  const isWithout = ENDED.includes(job.status) && job.status !== "succeeded";
  fill(
    panel,
    h("div", { class: "head" }, h("h2", {}, t(isWithout ? "use.same" : "use.title"))),
    h("div", { class: "body stack" },
      job.status === "succeeded" ? download(job) : isWithout ? null : h("p", { class: "quiet small" }, t("use.later")),
      tabs([
        ["curl", curlOf(asked, Boolean(readKey()))],
        ["Python", pythonOf(asked)],
        [t("use.command"), commandOf(asked)],
        ...pipelines.map(({ name, text }) => [name, text]),
      ])),
  );
}

/** What was uploaded for a job; null where nothing was, or where it is not kept any more. */
async function uploadOf(job) {
  const id = job.options?.upload_id;
  return id ? getJson(`api/v1/uploads/${encodeURIComponent(id)}`).catch(() => null) : null;
}

function tabs(choices) {
  const box = h("div", { class: "stack commands" });
  const show = (index) => fill(
    box,
    h("div", { class: "choice", role: "group", "aria-label": t("use.same") }, choices.map(([name], at) =>
      h("button", { "aria-pressed": String(at === index), onclick: () => show(at) }, name))),
    h("div", { class: "command-box" },
      h("pre", { class: "command", tabIndex: 0, "aria-label": choices[index][0] }, choices[index][1]),
      h("button", { class: "small", onclick: () => void copy(choices[index][1]) }, icon("copy"), t("copy"))),
  );
  show(0);
  return box;
}

/** Copy a text; without TLS a browser has no `navigator.clipboard`. */
async function copy(text) {
  try {
    if (navigator.clipboard) await navigator.clipboard.writeText(text);
    else selectAndCopy(text);
    toast(t("copied"));
  } catch {
    toast(t("copy.failed"), "bad");
  }
}

function selectAndCopy(text) {
  const area = h("textarea", { class: "sr", value: text });
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (!done) throw new Error("not copied");
}

function download(job) {
  const name = `${baseName(job.cad_path).replace(/\.\w+$/, "")}.zip`;
  const path = `api/v1/jobs/${encodeURIComponent(job.job_id)}`;
  const problem = h("div");
  const link = h("a", { class: "button primary large", href: `${path}/templates.zip`, download: name }, icon("download"), t("use.download"));
  let hasTicket = false;
  // A link can carry no key: a cookie that is good for this file, and for a minute, goes with it.
  link.addEventListener("click", async (event) => {
    if (!readKey() || hasTicket) return;
    event.preventDefault();
    fill(problem);
    try {
      await request(`${path}/download-ticket`, { method: "POST", credentials: "same-origin" });
      hasTicket = true;
      link.click();
    } catch (error) {
      fill(problem, failed(error));
    }
    hasTicket = false;
  });
  return h("div", { class: "stack" }, link, problem);
}
