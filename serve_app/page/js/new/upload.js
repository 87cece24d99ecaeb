// Sends files; tells how far it is, which fetch cannot.

import { API, ApiError, LostError, keyWanted } from "../base/api.js";
import { serverLost } from "../base/connection.js";
import { readKey } from "../base/storage.js";

/**
 * @param {File[]} files one CAD with what belongs to it, or an archive.
 * @param {(share: number) => void} onProgress from 0 to 1.
 * @param {AbortSignal} signal
 * @returns {Promise<{upload_id: string, cads: string[], bytes: number, expires_at: number}>}
 */
export async function upload(files, onProgress, signal) {
  for (;;) {
    const key = readKey();
    const answer = await send(files, key, onProgress, signal);
    if (answer.status !== 401) return answer.body;
    await keyWanted(key);
  }
}

function send(files, key, onProgress, signal) {
  return new Promise((resolve, reject) => {
    const form = new FormData();
    for (const file of files) form.append("file", file, file.name);
    const request = new XMLHttpRequest();
    request.open("POST", `${API}/uploads`);
    request.responseType = "json";
    if (key) request.setRequestHeader("X-API-Key", key);
    request.upload.onprogress = (event) => event.lengthComputable && onProgress(event.loaded / event.total);
    request.onload = () => {
      const { status, response } = request;
      if (status === 401 || (status >= 200 && status < 300)) resolve({ status, body: response });
      else reject(new ApiError(status, response ?? { detail: `${status} ${request.statusText}`, code: "http_error" }));
    };
    request.onerror = () => (serverLost(), reject(new LostError()));
    request.onabort = () => reject(signal.reason);
    signal.addEventListener("abort", () => request.abort());
    request.send(form);
  });
}
