// A job as it goes on: its record, its views, and what changes of them.

import { API, getJson } from "../base/api.js";
import { follow } from "../base/events.js";

export const ENDED = ["succeeded", "failed", "canceled", "timeout"];
const GATHER_MS = 700;

export class JobWatch {
  /**
   * @param {string} id
   * @param {(what: {views: number[] | null}) => void} onChange which views are others; null: anything may be.
   * @param {(error: Error) => void} onError
   */
  constructor(id, onChange, onError) {
    Object.assign(this, { id, onChange, onError, job: null, views: [], gone: null });
    this.path = `${API}/jobs/${encodeURIComponent(id)}`;
    this.ended = new AbortController();
    void this.#start();
  }

  get isOver() {
    return ENDED.includes(this.job?.status);
  }

  stop() {
    clearTimeout(this.timer);
    this.ended.abort(new DOMException("left", "AbortError"));
  }

  async #start() {
    const { signal } = this.ended;
    try {
      await this.#load();
    } catch (error) {
      if (!signal.aborted) this.onError(error);
      return;
    }
    if (this.isOver || signal.aborted) return;
    const stream = new AbortController();
    signal.addEventListener("abort", () => stream.abort());
    await follow(`${this.path}/events`, (event) => void this.#on(event, stream), stream.signal);
  }

  async #on({ type, data }, stream) {
    if (type === "view") return this.#viewDone(data);
    if (type === "queued" && this.job) this.job.position = data.position;
    await this.#load().catch((error) => this.ended.signal.aborted || this.onError(error));
    if (this.isOver) stream.abort();
  }

  #viewDone({ view, seconds, rendered_count: count, total_poses: total }) {
    if (!this.job) return;
    Object.assign(this.job, { rendered_count: Math.max(count, this.job.rendered_count), total_poses: total });
    if (this.views[view]) Object.assign(this.views[view], { state: "rendered", seconds, files: this.views[view].files ?? this.#files(view) });
    this.onChange({ views: this.views[view] ? [view] : null });
    // Samples and errors of several views at once.
    this.timer ??= setTimeout(() => ((this.timer = null), void this.#load().catch(() => {})), GATHER_MS);
  }

  /** Where a view's files are, of which the server has only told that they are there. */
  #files(view) {
    const images = ["rgb", "mask", "xyz", "depth"].map((kind) => [kind, `${this.path}/views/${view}/${kind}.png`]);
    return { ...Object.fromEntries(images), xyz_npy: `${this.path}/views/${view}/xyz.npy` };
  }

  /** Ask for all of it; while an answer is awaited, which may be older than what this is asked for, once more after it. */
  #load() {
    if (this.loading) {
      this.again ??= this.loading.catch(() => {}).then(() => ((this.again = null), this.#load()));
      return this.again;
    }
    this.loading = this.#ask().finally(() => (this.loading = null));
    return this.loading;
  }

  async #ask() {
    const { signal } = this.ended;
    const job = await getJson(this.path, { signal });
    let views = this.views;
    try {
      views = (await getJson(`${this.path}/views`, { signal })).views;
      this.gone = null;
    } catch (error) {
      if (signal.aborted || !error.status) throw error;
      this.gone = error;
    }
    // What an event told may be newer than what was asked for before it.
    for (const [index, view] of views.entries()) {
      if (this.views[index]?.state === "rendered" && view.state !== "rendered") Object.assign(view, { state: "rendered", files: this.views[index].files });
    }
    this.job = { ...job, position: job.status === "queued" ? this.job?.position : undefined };
    this.views = views;
    this.onChange({ views: null });
  }
}

/** Where a view's file of a kind is. */
export const fileOf = (view, kind) => view.files?.[kind]?.replace(/^\//, "");
