// Depth images: PNG of 16-bit grey, of which a browser would show the upper 8 bits alone.

const NEAR = [253, 231, 37];
const MIDDLE = [33, 145, 140];
const FAR = [59, 28, 90];

/** @param {ArrayBuffer} png @returns {Promise<Blob>} a PNG in colours, near yellow and far violet; background transparent. */
export async function depthPicture(png) {
  const { width, height, values } = await greyOf(png);
  let [least, most] = [Infinity, 0];
  for (const value of values) if (value) [least, most] = [Math.min(least, value), Math.max(most, value)];
  const image = new ImageData(width, height);
  values.forEach((value, index) => {
    if (!value) return;
    const far = most > least ? (value - least) / (most - least) : 0;
    const [from, to, share] = far < 0.5 ? [NEAR, MIDDLE, far * 2] : [MIDDLE, FAR, far * 2 - 1];
    image.data.set([0, 1, 2].map((band) => from[band] + (to[band] - from[band]) * share), index * 4);
    image.data[index * 4 + 3] = 255;
  });
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas.convertToBlob();
}

/** Grey values of a PNG without interlacing. @returns {Promise<{width: number, height: number, values: Uint16Array}>} */
export async function greyOf(png) {
  const view = new DataView(png);
  const parts = [];
  let [width, height, depth, kind] = [0, 0, 0, 0];
  for (let at = 8; at + 8 <= view.byteLength; ) {
    const length = view.getUint32(at);
    const name = String.fromCharCode(...new Uint8Array(png, at + 4, 4));
    if (name === "IHDR") [width, height, depth, kind] = [view.getUint32(at + 8), view.getUint32(at + 12), view.getUint8(at + 16), view.getUint8(at + 17)];
    if (name === "IDAT") parts.push(new Uint8Array(png, at + 8, length));
    at += length + 12;
  }
  if (kind !== 0 || (depth !== 16 && depth !== 8)) throw new Error("no grey PNG");
  const packed = new Blob(parts).stream().pipeThrough(new DecompressionStream("deflate"));
  const rows = unfiltered(new Uint8Array(await new Response(packed).arrayBuffer()), width, height, depth / 8);
  if (depth === 8) return { width, height, values: Uint16Array.from(rows) };
  return { width, height, values: Uint16Array.from({ length: width * height }, (_, index) => (rows[index * 2] << 8) | rows[index * 2 + 1]) };
}

function unfiltered(data, width, height, step) {
  const stride = width * step;
  const rows = new Uint8Array(stride * height);
  for (let y = 0; y < height; y += 1) {
    const filter = data[y * (stride + 1)];
    for (let x = 0; x < stride; x += 1) {
      const at = y * stride + x;
      const left = x >= step ? rows[at - step] : 0;
      const up = y ? rows[at - stride] : 0;
      const corner = x >= step && y ? rows[at - stride - step] : 0;
      rows[at] = data[y * (stride + 1) + 1 + x] + [0, left, up, (left + up) >> 1, filter === 4 ? paeth(left, up, corner) : 0][filter];
    }
  }
  return rows;
}

function paeth(left, up, corner) {
  const guess = left + up - corner;
  const [a, b, c] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)];
  return a <= b && a <= c ? left : b <= c ? up : corner;
}
