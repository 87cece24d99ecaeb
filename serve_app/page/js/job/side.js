// What a job was made of.

import { h } from "../base/dom.js";
import { mm, moment, number, sizeMm } from "../base/format.js";
import { hasText, t } from "../base/i18n.js";
import { OPTIONS, given } from "../new/options-list.js";

const line = (words, value) => (value == null || value === "" ? null : [h("dt", {}, words), h("dd", {}, value)]);

export function factsOf(job) {
  const { cad, options = {} } = job;
  const shown = OPTIONS.map(({ name }) => name).filter((name) => options[name] != null && name !== "camera_poses_path");
  return [
    h("div", { class: "head" }, h("h2", {}, t("job.facts"))),
    h("div", { class: "body stack" },
      h("dl", { class: "facts" },
        cad ? [
          line(t("facts.size"), sizeMm(cad.size_mm)),
          line(t("facts.diameter"), `${mm(cad.diameter_mm)} mm`),
          line(t("facts.unit"), `${cad.unit} · ${t(`facts.unit.short.${cad.unit_from}`)}`),
          line(t("facts.faces"), number(cad.faces)),
          cad.part_count ? line(t("facts.part_count"), number(cad.part_count)) : null,
        ] : null,
        line(t("job.created"), moment(job.created_at)),
        job.options?.upload_id ? null : line(t("job.folder"), h("span", { class: "mono" }, job.templates_dir)),
        line(t("job.expires"), job.results_expire_at ? moment(job.results_expire_at) : null),
        line(t("job.id"), h("span", { class: "mono" }, job.job_id))),
      h("details", { class: "small" }, h("summary", {}, t("options.title")), h("dl", { class: "facts" }, shown.map((name) => line(t(`option.${name}`), valueOf(name, options[name]))))),
    ),
  ];
}

/** An option's value in words. */
export function valueOf(name, value) {
  if (typeof value === "boolean") return t(value ? "yes" : "no");
  if (Array.isArray(value)) return value.map((one) => valueOf(name, one)).join(", ");
  if (typeof value === "object") return JSON.stringify(given(value));
  return hasText(`option.${name}.${value}`) ? t(`option.${name}.${value}`) : String(value);
}
