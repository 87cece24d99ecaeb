// Server-sent events by fetch: EventSource cannot send a key but in the address.

import { isNoServer, keyWanted } from "./api.js";
import { serverLost, whenBack } from "./connection.js";
import { readKey } from "./storage.js";

const SILENCE_MS = 45_000; // The server says something every 15 s.
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 8000;

/**
 * Follow a stream, over its ends and the server's absences, from where it was left.
 * @param {string} path of the stream.
 * @param {(event: {type: string, data: any}) => void} onEvent `opened` comes at each start: what was missed may have to be asked for.
 * @param {AbortSignal} signal ends it.
 */
export async function follow(path, onEvent, signal) {
  let last = "";
  let pause = FIRST_PAUSE_MS;
  while (!signal.aborted) {
    const key = readKey();
    const silence = new AbortController();
    const stop = () => silence.abort();
    signal.addEventListener("abort", stop);
    try {
      const headers = { Accept: "text/event-stream", ...(key ? { "X-API-Key": key } : {}), ...(last ? { "Last-Event-ID": last } : {}) };
      const answer = await fetch(path, { headers, cache: "no-store", credentials: "omit", signal: silence.signal });
      if (answer.status === 401) {
        await keyWanted(key);
        continue;
      }
      if (answer.status === 204) return; // There is nothing more to come.
      if (await isNoServer(answer)) throw new TypeError("no server");
      onEvent({ type: "opened", data: null });
      if (answer.ok) {
        pause = FIRST_PAUSE_MS;
        for await (const event of eventsOf(answer.body, stop)) {
          if (event.id) last = event.id;
          onEvent(event);
        }
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!silence.signal.aborted) serverLost();
      await whenBack();
    } finally {
      signal.removeEventListener("abort", stop);
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
    pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
  }
}

async function* eventsOf(body, onSilence) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const timer = setTimeout(onSilence, SILENCE_MS);
    const { done, value } = await reader.read().finally(() => clearTimeout(timer));
    if (done) return;
    text += value;
    const blocks = text.split(/\r?\n\r?\n/);
    text = blocks.pop();
    for (const block of blocks) {
      const event = parsed(block);
      if (event) yield event;
    }
  }
}

/** One event of a stream's text; null for a comment. */
export function parsed(block) {
  const event = { type: "message", id: "", data: "" };
  const lines = [];
  for (const line of block.split(/\r?\n/)) {
    const [, name, value] = line.match(/^([^:]*)(?:: ?(.*))?$/s) ?? [];
    if (name === "event") event.type = value;
    else if (name === "id") event.id = value ?? "";
    else if (name === "data") lines.push(value ?? "");
  }
  if (!lines.length) return null;
  return { ...event, data: JSON.parse(lines.join("\n")) };
}
