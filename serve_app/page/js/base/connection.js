// Whether the server answers. Whoever finds that it does not says so; then it is asked until it does.

const ASK_EVERY_MS = 1500;
const ANSWER_WITHIN_MS = 4000;
const listeners = new Set();
let back = null;

export const isLost = () => back !== null;

/** Call `listener(lost)` whenever that changes; gives a function that ends it. */
export function onConnection(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** A request got no answer. */
export function serverLost() {
  if (back) return;
  let tell;
  const promise = new Promise((resolve) => (tell = resolve));
  back = { promise, tell };
  listeners.forEach((listener) => listener(true));
  setTimeout(ask, ASK_EVERY_MS);
}

/** Settles when the server answers; at once where it does. */
export const whenBack = () => back?.promise ?? Promise.resolve();

async function ask() {
  const answered = await fetch("ready", { cache: "no-store", signal: AbortSignal.timeout(ANSWER_WITHIN_MS) }).then(
    // The server itself answers in JSON, and `not_ready` is an answer; a proxy before it that finds no server sends something else.
    (answer) => answer.headers.get("Content-Type")?.startsWith("application/json"),
    () => false,
  );
  if (!answered) return void setTimeout(ask, ASK_EVERY_MS);
  const { tell } = back;
  back = null;
  listeners.forEach((listener) => listener(false));
  tell();
}
