// How far a job is, and how long it may still take.

import { h } from "../base/dom.js";
import { number, seconds } from "../base/format.js";
import { t, tn } from "../base/i18n.js";

export function progressOf({ job, isOver }) {
  const { rendered_count: done, total_poses: total, status } = job;
  if (isOver) return status === "succeeded" ? h("p", { class: "quiet numbers" }, doneLine(job)) : null;
  return h("div", { class: "job-progress" },
    h("progress", { max: total || 1, value: total ? done : 0, "aria-label": t("job.progress") }),
    h("p", { class: "quiet small numbers", role: "status" }, status === "queued" ? queuedLine(job) : runningLine(job)));
}

function doneLine({ total_poses: total, elapsed_sec: elapsed, cached }) {
  const said = t("job.done", { views: tn("views", total), time: seconds(elapsed) });
  return cached ? `${said} · ${t("job.cached")}` : said;
}

const queuedLine = ({ position }) => (position ? t("job.queued.at", { position: number(position) }) : t("job.queued"));

function runningLine({ rendered_count: done, total_poses: total, started_at: started, waiting_for: wait }) {
  if (wait) return t("job.waiting");
  if (!total || !done) return t("job.preparing");
  const each = (Date.now() / 1000 - started) / done;
  const left = each * (total - done);
  return t("job.running", { done: number(done), total: number(total), left: seconds(Math.max(1, Math.round(left))) });
}
