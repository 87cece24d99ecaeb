// One CAD that is going to be rendered: where it is, what the server found in it, what was chosen for it.

import { API, getJson, sendJson } from "../base/api.js";
import { baseName } from "../base/format.js";
import { upload } from "./upload.js";

export class Item {
  /** @param {string} name shown. @param {() => void} changed is called whenever it is another. */
  constructor(name, changed) {
    Object.assign(this, { name, changed, state: "uploading", share: 0, unit: "auto", parts: null, source: null, facts: null, error: null, job: null });
    this.ended = new AbortController();
  }

  /** Of files that are sent; an archive may hold several CADs: these become items by `more(name)`. */
  static ofFiles({ name, files }, changed, more) {
    const item = new Item(name, changed);
    void item.#try(async () => {
      const { upload_id: id, cads } = await upload(files, (share) => item.#set({ share }), item.ended.signal);
      const own = cads.includes(name) ? name : cads[0];
      item.source = { upload_id: id, cad: own };
      item.name = own ?? name;
      if (!cads.includes(name)) for (const other of cads.slice(1)) more(other, { upload_id: id, cad: other });
      await item.inspect();
    });
    return item;
  }

  /** Of a CAD that the server has: an upload, or a path on its disk with the folder for the results. */
  static ofSource(source, changed, name = source.cad ?? baseName(source.cad_path ?? ""), chosen = {}) {
    const item = new Item(name, changed);
    Object.assign(item, { source }, chosen);
    void item.#try(() => item.inspect());
    return item;
  }

  /** Where the CAD is, as requests name it. */
  get cad() {
    const { output_dir: _, ...cad } = this.source;
    return cad;
  }

  /** Ask what the CAD is, with the unit that was chosen. */
  async inspect() {
    this.#set({ state: "inspecting", error: null });
    const body = { ...this.cad, unit: this.unit };
    const facts = await (await sendJson(`${API}/cad/inspect`, body, { signal: this.ended.signal })).json();
    this.#set({ state: "ready", facts, glb: null });
  }

  /** Take another unit. */
  setUnit(unit) {
    this.unit = unit;
    return this.#try(() => this.inspect());
  }

  /** The mesh, as the server reads it. @returns {Promise<ArrayBuffer>} GLB in mm. */
  async mesh() {
    this.glb ??= sendJson(`${API}/cad/preview.glb`, { ...this.cad, unit: this.unit }, { signal: this.ended.signal }).then((answer) => answer.arrayBuffer());
    return (await this.glb).slice(0);
  }

  /** Have it rendered. @returns {Promise<string>} the job's id. */
  async render(options, key, group) {
    const body = { ...options, ...this.source, ...(this.unit === "auto" ? {} : { unit: this.unit }), ...(this.parts ? { parts: this.parts } : {}) };
    const answer = await sendJson(`${API}/jobs${group ? `?group=${group}` : ""}`, body, { headers: { "Idempotency-Key": key } });
    const { job_id: job } = await answer.json();
    this.#set({ job });
    return job;
  }

  remove() {
    this.ended.abort();
  }

  async #try(work) {
    try {
      await work();
    } catch (error) {
      if (!this.ended.signal.aborted) this.#set({ state: "failed", error });
    }
  }

  #set(values) {
    Object.assign(this, values);
    this.changed(this);
  }
}

/** The items of a job that was, to render it again. */
export async function sourceOfJob(jobId) {
  const job = await getJson(`${API}/jobs/${encodeURIComponent(jobId)}`);
  const { upload_id: id, cad } = job.options;
  return { job, source: id ? { upload_id: id, ...(cad ? { cad } : {}) } : { cad_path: job.cad_path, output_dir: job.output_dir } };
}

