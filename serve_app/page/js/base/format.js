// Numbers, lengths and times as people read them.

import { currentLanguage, t } from "./i18n.js";

export const number = (value, digits = 0) =>
  new Intl.NumberFormat(currentLanguage(), { maximumFractionDigits: digits, minimumFractionDigits: 0 }).format(value);

/** Millimetres with three digits that count: 0.0123, 12.3, 1230. */
export function mm(value) {
  const size = Math.abs(value);
  const digits = size === 0 || size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 4;
  return number(value, digits);
}

export const sizeMm = (extents) => `${extents.map(mm).join(" × ")} mm`;

/** Seconds: 0.42 s, 12.3 s, 3 min 20 s, 2 h 5 min. */
export function seconds(value) {
  if (value < 60) return t("time.s", { s: number(value, value < 10 ? 2 : 1) });
  const whole = Math.round(value);
  if (whole < 3600) return t("time.min", { min: Math.floor(whole / 60), s: whole % 60 });
  const minutes = Math.round(value / 60);
  return t("time.h", { h: Math.floor(minutes / 60), min: minutes % 60 });
}

export function bytes(value) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let step = 0;
  while (value >= 1000 && step < units.length - 1) [value, step] = [value / 1000, step + 1];
  return `${number(value, value < 10 && step > 0 ? 1 : 0)} ${units[step]}`;
}

/** A moment, in Unix seconds, as a distance from now: "3 minutes ago". */
export function ago(moment, now = Date.now() / 1000) {
  const past = moment - now;
  const relative = new Intl.RelativeTimeFormat(currentLanguage(), { numeric: "auto" });
  for (const [unit, length] of [["day", 86400], ["hour", 3600], ["minute", 60]]) {
    if (Math.abs(past) >= length) return relative.format(Math.trunc(past / length), unit);
  }
  return relative.format(Math.round(Math.min(past, 0)), "second");
}

export const moment = (unix) =>
  new Intl.DateTimeFormat(currentLanguage(), { dateStyle: "medium", timeStyle: "medium" }).format(new Date(unix * 1000));

/** The last part of a path. */
export const baseName = (path) => path.split(/[\\/]/).pop() || path;
