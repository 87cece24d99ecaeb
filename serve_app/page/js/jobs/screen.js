// The list of jobs: filters in the address, rows as they come into sight, states as they change.

import { API, getJson } from "../base/api.js";
import { fill, h, icon, newId } from "../base/dom.js";
import { follow } from "../base/events.js";
import { number } from "../base/format.js";
import { t, tn } from "../base/i18n.js";
import { keep } from "../base/router.js";
import { failed } from "../parts/notes.js";
import { jobRow, kept, ROW_PX } from "./row.js";
import { VirtualList } from "./virtual-list.js";

const STATES = ["queued", "running", "succeeded", "failed", "canceled", "timeout"];
const PAGE = 100;
const TYPING_MS = 250;
const GATHER_MS = 400;

/** The list as it was left, for whoever comes back to it: so long as nobody chooses otherwise, the page forgets no place. */
let left = null;

export function mount(root, parameters, isBack) {
  const ended = new AbortController();
  const { signal } = ended;
  const chosen = new Set((parameters.status ?? "").split(",").filter((state) => STATES.includes(state)));
  let text = parameters.q ?? "";
  let jobs = [];
  let next = null;
  let total = 0;
  let turn = 0;
  let loading = false;

  const count = h("p", { class: "quiet numbers", role: "status" });
  const problem = h("div");
  const rows = new VirtualList({ rowPx: ROW_PX, draw: (index) => jobRow(jobs[index], signal), key: (index) => jobs[index].id, onEnd: () => void more(), label: t("nav.jobs") });
  const empty = h("div", { class: "empty panel", hidden: true });
  const filters = h("div", { class: "row filters" }, searchField(), h("div", { class: "choice states", role: "group", "aria-label": t("jobs.states") }, allButton(), STATES.map(stateButton)));
  fill(root, h("div", { class: "screen-head" }, h("h1", {}, t("nav.jobs")), count), filters, problem, rows.element, empty);

  function searchField() {
    const id = newId("search");
    let timer;
    const input = h("input", { id, type: "search", value: text, placeholder: t("jobs.search"), oninput: () => {
      clearTimeout(timer);
      timer = setTimeout(() => ((text = input.value.trim()), filtered()), TYPING_MS);
    } });
    return h("div", { class: "search" }, h("label", { for: id, class: "sr" }, t("jobs.search")), icon("search"), input);
  }

  function allButton() {
    return h("button", { data: { state: "" }, "aria-pressed": String(!chosen.size), onclick: () => (chosen.clear(), filtered()) }, t("jobs.all"));
  }

  function stateButton(state) {
    return h("button", { data: { state }, "aria-pressed": String(chosen.has(state)), onclick: () => (chosen.delete(state) || chosen.add(state), filtered()) }, t(`state.${state}`));
  }

  function filtered() {
    for (const button of filters.querySelectorAll("[data-state]")) {
      button.setAttribute("aria-pressed", String(button.dataset.state ? chosen.has(button.dataset.state) : !chosen.size));
    }
    keep({ status: [...chosen].join(","), q: text });
    void load();
  }

  function query(extra) {
    const asked = new URLSearchParams({ limit: String(PAGE), ...extra });
    for (const state of chosen) asked.append("status", state);
    if (text) asked.set("q", text);
    return `${API}/jobs?${asked}`;
  }

  async function load() {
    const mine = (turn += 1);
    loading = true;
    try {
      const answer = await getJson(query({}), { signal });
      if (mine !== turn) return;
      jobs = answer.jobs.map(kept);
      ({ total } = answer);
      next = nextOf(answer);
      fill(problem);
      rows.toStart();
    } catch (error) {
      if (!signal.aborted && mine === turn) fill(problem, failed(error));
    } finally {
      if (mine === turn) loading = false;
    }
    show();
  }

  const nextOf = (answer) => answer.next ?? null;

  async function more() {
    if (loading || !next) return;
    const mine = turn;
    loading = true;
    try {
      const answer = await getJson(query({ before: next }), { signal });
      if (mine !== turn) return;
      const known = new Set(jobs.map(({ id }) => id));
      jobs.push(...answer.jobs.map(kept).filter(({ id }) => !known.has(id)));
      next = nextOf(answer);
    } catch (error) {
      if (!signal.aborted) fill(problem, failed(error));
      next = null;
    } finally {
      loading = false;
    }
    show();
  }

  function show() {
    if (signal.aborted) return;
    rows.setLength(jobs.length);
    count.textContent = tn("jobs.count", total);
    empty.hidden = jobs.length > 0 || loading;
    rows.element.hidden = !jobs.length;
    const filtering = chosen.size || text;
    fill(empty, h("p", {}, t(filtering ? "jobs.none.filtered" : "jobs.none")), filtering ? null : h("a", { class: "button", href: location.pathname }, t("jobs.begin")));
    root.dataset.loaded = number(jobs.length);
  }

  // States that change: those of rows that are shown are asked for again, all others are when the list is filtered or opened.
  const touched = new Set();
  let timer = null;
  let isStale = false;
  function onEvent({ type, data }) {
    // What was queued after the list was asked for, and before the stream was open, is in neither.
    if (type === "reset" || type === "queued" || type === "opened") isStale = true;
    if (!isStale && !data?.job_id) return;
    if (data?.job_id) touched.add(data.job_id);
    timer ??= setTimeout(() => void refresh(), GATHER_MS);
  }

  async function refresh() {
    timer = loading ? setTimeout(() => void refresh(), GATHER_MS) : null;
    if (loading) return;
    const ids = [...touched];
    touched.clear();
    if (isStale) {
      isStale = false;
      await head();
    }
    const visible = new Set(rows.visible().map((index) => jobs[index]?.id));
    for (const id of ids.filter((one) => visible.has(one)).slice(0, 20)) {
      const job = await getJson(`${API}/jobs/${encodeURIComponent(id)}`, { signal }).catch(() => null);
      const index = jobs.findIndex((one) => one.id === id);
      if (job && index >= 0) (jobs[index] = kept(job)), rows.redraw(id);
    }
  }

  /** New jobs are put before those that are there, so that nobody who has scrolled down is moved. */
  async function head() {
    const mine = turn;
    const answer = await getJson(query({}), { signal }).catch(() => null);
    if (!answer || mine !== turn) return;
    const fresh = answer.jobs.map(kept);
    const known = new Set(fresh.map(({ id }) => id));
    jobs = [...fresh, ...jobs.filter(({ id }) => !known.has(id))];
    ({ total } = answer);
    next ??= nextOf(answer);
    rows.redrawAll();
    show();
  }

  const choice = () => `${[...chosen].sort()} ${text}`;
  if (isBack && left?.choice === choice()) {
    ({ jobs, next, total } = left);
    show();
    window.scrollTo(0, left.scroll);
    rows.visible().forEach((index) => touched.add(jobs[index].id));
  } else void load();
  void follow(`${API}/events`, onEvent, signal);
  return () => {
    left = { choice: choice(), jobs, next, total, scroll: window.scrollY };
    ended.abort(new DOMException("left", "AbortError"));
    clearTimeout(timer);
    rows.dispose();
  };
}
