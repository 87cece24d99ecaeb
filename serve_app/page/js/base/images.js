// Images that need the key: fetched, and shown from memory. A few at a time, so that others' requests find a connection.

import { request } from "./api.js";

const AT_ONCE = 4;
const KEPT = 600;
const kept = new Map();
const waiting = [];
let running = 0;

/**
 * The address, in this page, of an image of the server's.
 * @param {string} path
 * @param {object} [how]
 * @param {AbortSignal} [how.signal] it is not needed any more.
 * @param {number} [how.width] in pixels: it is kept no wider, so that hundreds of them take no room.
 * @param {() => boolean} [how.isWanted] is asked when its turn comes: who scrolls fast wants only what is in sight at last.
 * @returns {Promise<string>}
 */
export function imageAddress(path, { signal, width, isWanted = () => true } = {}) {
  const name = nameOf(path, width);
  const known = kept.get(name);
  if (known) {
    kept.delete(name); // It is the newest now.
    kept.set(name, known);
    return Promise.resolve(known);
  }
  return new Promise((resolve, reject) => {
    waiting.push({ path, signal, width, isWanted, resolve, reject });
    next();
  });
}

const nameOf = (path, width) => (width ? `${path} ${width}` : path);

function next() {
  while (running < AT_ONCE && waiting.length) {
    const one = waiting.shift();
    if (one.signal?.aborted || !one.isWanted()) {
      one.reject(one.signal?.reason ?? new DOMException("out of sight", "AbortError"));
      continue;
    }
    running += 1;
    load(one).finally(() => ((running -= 1), next()));
  }
}

async function load({ path, signal, width, resolve, reject }) {
  const name = nameOf(path, width);
  try {
    const known = kept.get(name);
    if (known) return resolve(known);
    const blob = await (await request(path, { signal })).blob();
    const address = URL.createObjectURL(width ? await narrowed(blob, width) : await shown(blob, path));
    kept.set(name, address);
    while (kept.size > KEPT) {
      const [oldest, its] = kept.entries().next().value;
      URL.revokeObjectURL(its);
      kept.delete(oldest);
    }
    resolve(address);
  } catch (error) {
    reject(error);
  }
}

async function narrowed(blob, width) {
  const bitmap = await createImageBitmap(blob, { resizeWidth: width, resizeQuality: "medium" });
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  canvas.getContext("2d").drawImage(bitmap, 0, 0);
  bitmap.close();
  return canvas.convertToBlob();
}

/** A depth of 16 bits becomes one that eyes can read. */
async function shown(blob, path) {
  if (!path.includes("/depth.png")) return blob;
  const { depthPicture } = await import("./depth.js");
  return depthPicture(await blob.arrayBuffer());
}

const observers = new WeakMap();

/** Load an image into `<img>` when it comes into sight. @param {AbortSignal} signal ends that. @param {number} [width] see `imageAddress`. */
export function loadWhenSeen(image, path, signal, width) {
  observers.get(image)?.disconnect();
  image.dataset.path = path;
  const observer = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    observer.disconnect();
    imageAddress(path, { signal, width, isWanted: () => image.isConnected }).then(
      (address) => image.dataset.path === path && (image.src = address),
      () => (image.dataset.failed = "true"),
    );
  }, { rootMargin: "300px" });
  observers.set(image, observer);
  observer.observe(image);
}
