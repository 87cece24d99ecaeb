// A job in the list.

import { API } from "../base/api.js";
import { h, icon } from "../base/dom.js";
import { ago, baseName, moment, number, seconds, sizeMm } from "../base/format.js";
import { t, tn } from "../base/i18n.js";
import { loadWhenSeen } from "../base/images.js";
import { addressOf } from "../base/router.js";
import { shortOf, state } from "../parts/notes.js";

export const ROW_PX = 68;

export function jobRow(job, signal) {
  const { job_id: id, status, warnings, rendered_count: done, total_poses: total } = job;
  return h(
    "a",
    { class: "job-row", href: addressOf({ job: id }), data: { job: id } },
    thumbnail(job, signal),
    h("span", { class: "job-name" }, h("span", { class: "cut strong", title: job.cad_path }, baseName(job.cad_path)), h("span", { class: "cut small quiet numbers" }, about(job))),
    h("span", { class: "job-state" }, state(status), status === "running" && total ? h("span", { class: "bar" }, h("progress", { value: done, max: total, "aria-label": t("job.progress") })) : null),
    h("span", { class: "job-views numbers quiet small" }, total ? `${number(done)} / ${number(total)}` : ""),
    h("span", { class: "job-warnings small" }, warnings.length ? [icon("warning"), h("span", {}, number(warnings.length)), h("span", { class: "sr" }, tn("new.warnings", warnings.length))] : null),
    h("span", { class: "job-time small quiet numbers" }, job.elapsed_sec ? seconds(job.elapsed_sec) : "", h("span", { title: moment(job.created_at) }, ago(job.created_at))),
  );
}

function about({ cad, error, options, waiting_for: wait }) {
  if (error) return shortOf(error);
  if (wait) return t("job.waiting");
  const { quality = "", resolution } = options ?? {};
  return [cad ? sizeMm(cad.size_mm) : null, quality && t(`option.quality.${quality}`), resolution && `${resolution} px`].filter(Boolean).join(" · ");
}

function thumbnail({ job_id: id, view_seconds: views, status }, signal) {
  const box = h("span", { class: "thumb" });
  const [first] = Object.keys(views ?? {});
  if (first === undefined || (status !== "succeeded" && status !== "running")) return box.append(icon("cube")), box;
  const image = h("img", { alt: "", width: 48, height: 48 });
  box.append(image);
  loadWhenSeen(image, `${API}/jobs/${encodeURIComponent(id)}/views/${first}/rgb.png`, signal);
  return box;
}
