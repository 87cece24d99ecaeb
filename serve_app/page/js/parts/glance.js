// The server at a glance: renderers, queue, machine, cache.

import { API, getJson } from "../base/api.js";
import { isLost, onConnection } from "../base/connection.js";
import { fill, h, newId } from "../base/dom.js";
import { bytes, number, seconds } from "../base/format.js";
import { t, tn } from "../base/i18n.js";

const EVERY_MS = 4000;
let status = null;
let stop = () => {};

/** A button with the state, and a card behind it. There is one at a time. */
export function glance() {
  stop();
  const card = h("div", { class: "panel glance-card", hidden: true, id: newId("glance") });
  const button = h("button", { class: "plain", "aria-expanded": "false", "aria-controls": card.id, onclick: () => open(card.hidden) });
  const box = h("div", { class: "glance" }, button, card);

  function open(wanted) {
    card.hidden = !wanted;
    show();
    button.setAttribute("aria-expanded", String(wanted));
  }

  function show() {
    fill(button, h("span", { class: `dot ${kindOf(status)}` }), shortly(status));
    if (!card.hidden) fill(card, ...fully(status));
  }

  const outside = (event) => !card.hidden && !event.composedPath().includes(box) && open(false);
  const escape = (event) => event.key === "Escape" && !card.hidden && (open(false), button.focus());
  document.addEventListener("click", outside);
  box.addEventListener("keydown", escape);
  const ended = new AbortController();
  const unlisten = onConnection(show);
  void poll(show, ended.signal);
  stop = () => (ended.abort(), unlisten(), document.removeEventListener("click", outside));
  show();
  return box;
}

async function poll(show, signal) {
  while (!signal.aborted) {
    try {
      if (!document.hidden) status = await getJson(`${API}/status`, { signal });
    } catch {
      if (signal.aborted) return;
    }
    if (signal.aborted) return;
    show();
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
}

function kindOf(now) {
  if (isLost()) return "bad";
  if (!now) return "";
  if (now.draining || (!now.renderer_ready && now.renderers.length)) return "bad";
  return now.renderers.some((renderer) => renderer.state === "busy") ? "busy" : "good";
}

function shortly(now) {
  if (isLost()) return t("glance.lost");
  if (!now) return t("glance.asking");
  const alive = now.renderers.filter(({ state }) => state === "ready" || state === "busy").length;
  const queue = now.jobs_queued + now.jobs_running;
  return `${tn("glance.renderers", alive)}${queue ? ` · ${tn("glance.jobs", queue)}` : ""}`;
}

function fully(now) {
  if (!now) return [h("p", { class: "quiet" }, t("glance.asking"))];
  const { machine } = now;
  const free = Object.entries(machine.disk_free_bytes);
  return [
    h("div", { class: "row" }, h("h2", {}, t("glance.title")), h("span", { class: "quiet small push numbers" }, `${now.version} · ${seconds(Math.round(now.uptime))}`)),
    h("p", { class: "numbers" }, t("glance.queue", { queued: number(now.jobs_queued), running: number(now.jobs_running) })),
    h("div", { class: "stack" }, now.renderers.map(rendererLine), now.renderers.length ? null : h("p", { class: "quiet small" }, t("glance.none"))),
    meter(t("glance.cpu"), machine.cpu_percent, 100, `${number(machine.cpu_percent)} %`),
    meter(t("glance.memory"), machine.memory_total_bytes - machine.memory_available_bytes, machine.memory_total_bytes,
      t("glance.free", { free: bytes(machine.memory_available_bytes) })),
    ["cache", "uploads", "results"].map((name) => kept(name, now[name])),
    free.length ? h("dl", { class: "facts small" }, free.map(([root, left]) => [h("dt", {}, root), h("dd", {}, t("glance.free", { free: bytes(left) }))])) : null,
    h("p", { class: "small" }, h("a", { href: "docs", target: "_blank" }, t("glance.api"))),
  ].flat().filter(Boolean);
}

/** What the server keeps for a while, and of how much. */
function kept(name, found) {
  return found?.max_bytes ? meter(t(`glance.${name}`), found.bytes, found.max_bytes, `${bytes(found.bytes)} / ${bytes(found.max_bytes)}`) : null;
}

function rendererLine({ id, state, device, error }) {
  const kind = { ready: "good", busy: "busy", failed: "bad", lost: "bad" }[state] ?? "";
  return h(
    "div",
    { class: "renderer" },
    h("span", { class: `dot ${kind}` }),
    h("span", { class: "cut", title: id }, device ?? id),
    h("span", { class: "quiet" }, t(`renderer.${state}`)),
    error ? h("span", { class: "problem small", lang: "en" }, error.detail) : null,
  );
}

function meter(label, value, most, text) {
  return h("div", { class: "meter" }, h("div", { class: "row" }, h("span", {}, label), h("span", { class: "push quiet numbers" }, text)),
    h("progress", { value: most ? value / most : 0, max: 1, "aria-label": label }));
}
