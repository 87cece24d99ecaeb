// What can be done with a result: download it, ask for it again from elsewhere, give it to a pipeline.

import { getJson, request } from "../base/api.js";
import { fill, h, icon } from "../base/dom.js";
import { baseName, bytes, number } from "../base/format.js";
import { t } from "../base/i18n.js";
import { readKey } from "../base/storage.js";
import { describedOptions } from "../new/options-list.js";
import { failed, toast } from "../parts/notes.js";
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
  fill(
    panel,
    h("div", { class: "head" }, h("h2", {}, t("use.title"))),
    h("div", { class: "body stack" },
      job.status === "succeeded" ? download(job) : h("p", { class: "quiet small" }, t("use.later")),
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
  const path = `api/v1/jobs/${encodeURIComponent(job.job_id)}/templates.zip`;
  // A link can carry no key: then the file is fetched here and handed over.
  if (!readKey()) return h("a", { class: "button primary large", href: path, download: name }, icon("download"), t("use.download"));
  const says = h("p", { class: "small quiet numbers", role: "status" });
  const problem = h("div");
  const button = h("button", { class: "primary large", onclick: async () => {
    button.disabled = true;
    fill(problem);
    try {
      save(await fetched(path, (done, total) => (says.textContent = `${bytes(done)} / ${bytes(total)} · ${number((100 * done) / total)} %`)), name);
    } catch (error) {
      fill(problem, failed(error));
    }
    says.textContent = "";
    button.disabled = false;
  } }, icon("download"), t("use.download"));
  return h("div", { class: "stack" }, button, says, problem);
}

async function fetched(path, onProgress) {
  const answer = await request(path);
  const total = Number(answer.headers.get("Content-Length"));
  const parts = [];
  let done = 0;
  const reader = answer.body.getReader();
  for (;;) {
    const { done: over, value } = await reader.read();
    if (over) return new Blob(parts, { type: "application/zip" });
    parts.push(value);
    done += value.length;
    onProgress(done, total || done);
  }
}

function save(blob, name) {
  const link = h("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
