// How two images differ, made visible.

import { t } from "../base/i18n.js";

const GAIN = 8;

/** @param {string} one @param {string} other addresses of images of one size. @returns {Promise<{canvas: HTMLCanvasElement, rms: number}>} */
export async function differencePicture(one, other) {
  const [first, second] = await Promise.all([one, other].map(pixelsOf));
  if (first.width !== second.width || first.height !== second.height) throw new Error(t("compare.sizes"));
  const shown = new ImageData(first.width, first.height);
  let sum = 0;
  for (let at = 0; at < first.data.length; at += 4) {
    for (let band = 0; band < 3; band += 1) {
      const apart = first.data[at + band] - second.data[at + band];
      sum += apart * apart;
      shown.data[at + band] = Math.min(255, Math.abs(apart) * GAIN);
    }
    shown.data[at + 3] = 255;
  }
  const canvas = Object.assign(document.createElement("canvas"), { width: first.width, height: first.height });
  canvas.getContext("2d").putImageData(shown, 0, 0);
  return { canvas, rms: Math.sqrt(sum / ((first.data.length / 4) * 3)) };
}

async function pixelsOf(address) {
  const picture = await createImageBitmap(await (await fetch(address)).blob());
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(picture, 0, 0);
  return context.getImageData(0, 0, picture.width, picture.height);
}
