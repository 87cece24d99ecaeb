// Requests to the server: with the key, its errors as exceptions, and patience while it is away.

import { serverLost, whenBack } from "./connection.js";
import { askKey } from "./key.js";
import { readKey, writeKey } from "./storage.js";

/** What the server said was wrong: `code` for programs, `message` for people, `field` where it is about one. */
export class ApiError extends Error {
  constructor(status, { detail, code, field }, retryAfter = null) {
    super(detail);
    Object.assign(this, { status, code, field, retryAfter });
  }
}

/** The server did not answer. */
export class LostError extends Error {}

export const API = "api/v1";
const RETRY_MS = 300;

/**
 * One request; asks for the key where it is wanted. A `GET` waits while the server is away; others fail with `LostError`.
 * @returns {Promise<Response>} an answer that is no failure.
 */
export async function request(path, { method = "GET", headers = {}, body, signal, credentials = "omit" } = {}) {
  for (;;) {
    const key = readKey();
    let answer;
    try {
      answer = await fetch(path, { method, body, signal, headers: { ...headers, ...(key ? { "X-API-Key": key } : {}) }, credentials });
    } catch (error) {
      if (signal?.aborted) throw error;
    }
    if (answer === undefined || (await isNoServer(answer))) {
      serverLost();
      if (method !== "GET") throw new LostError();
      await whenBack();
      if (signal?.aborted) throw signal.reason;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      continue;
    }
    if (answer.status === 401) {
      await keyWanted(key);
      continue;
    }
    if (!answer.ok) throw await apiError(answer);
    return answer;
  }
}

/** A key that was sent was wrong, or none was. Another request may have asked for it meanwhile. */
export async function keyWanted(sent) {
  if (readKey() !== sent) return;
  writeKey(null);
  writeKey(await askKey(sent !== null && sent !== ""));
}

/** A failure that is not in the server's own form comes from a proxy before it. */
export async function isNoServer(answer) {
  return answer.status >= 500 && !answer.headers.get("Content-Type")?.startsWith("application/json");
}

export async function apiError(answer) {
  const said = await answer.json().catch(() => ({ detail: `${answer.status} ${answer.statusText}`, code: "http_error" }));
  return new ApiError(answer.status, said, Number(answer.headers.get("Retry-After")) || null);
}

export const getJson = async (path, options) => (await request(path, options)).json();

export async function sendJson(path, body, options = {}) {
  const headers = { "Content-Type": "application/json", ...options.headers };
  return request(path, { method: "POST", ...options, headers, body: JSON.stringify(body) });
}

/** A name that no other request has, for `Idempotency-Key`; `crypto.randomUUID` is not there without TLS. */
export function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
