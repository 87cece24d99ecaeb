// A job in the list.

import { API } from "../base/api.js";
import { h, icon } from "../base/dom.js";
import { ago, baseName, moment, number, seconds, sizeMm } from "../base/format.js";
import { t, tn } from "../base/i18n.js";
import { loadWhenSeen } from "../base/images.js";
import { addressOf } from "../base/router.js";
import { shortOf, state } from "../parts/notes.js";

export const ROW_PX = 68;

const THUMBNAIL_PX = 96; // 48, and sharp on a screen with two pixels for each.

/** What a row shows of a job: thousands of them are kept. */
export function kept(job) {
  const { job_id: id, status, cad_path: path, rendered_count: done, total_poses: total, elapsed_sec: elapsed, created_at: created, error, waiting_for: wait } = job;
  const { quality = "", resolution } = job.options ?? {};
  const [first] = Object.keys(job.view_seconds ?? {});
  return { id, status, path, done, total, elapsed, created, error, wait, quality, resolution, first, warnings: job.warnings.length, size: job.cad?.size_mm };
}

export function jobRow(job, signal) {
  const { id, status, path, warnings, done, total, elapsed, created } = job;
  return h(
    "a",
    { class: "job-row", href: addressOf({ job: id }), data: { job: id } },
    thumbnail(job, signal),
    h("span", { class: "job-name" }, h("span", { class: "cut strong", title: path }, baseName(path)), h("span", { class: "cut small quiet numbers" }, about(job))),
    h("span", { class: "job-state" }, state(status), status === "running" && total ? h("span", { class: "bar" }, h("progress", { value: done, max: total, "aria-label": t("job.progress") })) : null),
    h("span", { class: "job-views numbers quiet small" }, total ? `${number(done)} / ${number(total)}` : ""),
    h("span", { class: "job-warnings small" }, warnings ? [icon("warning"), h("span", {}, number(warnings)), h("span", { class: "sr" }, tn("new.warnings", warnings))] : null),
    h("span", { class: "job-time small quiet numbers" }, elapsed ? seconds(elapsed) : "", h("span", { title: moment(created) }, ago(created))),
  );
}

function about({ size, error, quality, resolution, wait }) {
  if (error) return shortOf(error);
  if (wait) return t("job.waiting");
  return [size ? sizeMm(size) : null, quality && t(`option.quality.${quality}`), resolution && `${resolution} px`].filter(Boolean).join(" · ");
}

/** The first view of a job, small; a cube where there is none. */
export function thumbnail({ id, first, status }, signal) {
  const box = h("span", { class: "thumb" }, icon("cube")); // Until there is an image, and where its files are gone.
  if (first === undefined || (status !== "succeeded" && status !== "running")) return box;
  const image = h("img", { alt: "", width: 48, height: 48 });
  box.append(image);
  loadWhenSeen(image, `${API}/jobs/${encodeURIComponent(id)}/views/${first}/rgb.png`, signal, THUMBNAIL_PX);
  return box;
}
