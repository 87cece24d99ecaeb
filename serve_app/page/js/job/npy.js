// NumPy's .npy files of floats, as the server writes xyz.

/** @param {ArrayBuffer} buffer @returns {{shape: number[], at: (index: number) => number}} `at` counts in C order. */
export function parseNpy(buffer) {
  const view = new DataView(buffer);
  const isNpy = view.getUint32(0) === 0x934e554d && view.getUint16(4) === 0x5059;
  if (!isNpy) throw new Error("no .npy file");
  const long = view.getUint8(6) > 1;
  const length = long ? view.getUint32(8, true) : view.getUint16(8, true);
  const start = (long ? 12 : 10) + length;
  const header = new TextDecoder().decode(new Uint8Array(buffer, long ? 12 : 10, length));
  const [, kind] = header.match(/'descr': '([<|]?[a-z]\d)'/) ?? [];
  const shape = (header.match(/'shape': \(([^)]*)\)/)?.[1] ?? "").split(",").map((part) => part.trim()).filter(Boolean).map(Number);
  if (/'fortran_order': True/.test(header) || !(kind in READERS)) throw new Error(`a .npy file of ${kind}`);
  const { step, read } = READERS[kind];
  return { shape, at: (index) => read(view, start + index * step) };
}

const READERS = {
  "<f2": { step: 2, read: (view, at) => half(view.getUint16(at, true)) },
  "<f4": { step: 4, read: (view, at) => view.getFloat32(at, true) },
  "<f8": { step: 8, read: (view, at) => view.getFloat64(at, true) },
};

/** A number of 16 bits: 1 of sign, 5 of exponent, 10 of fraction. */
export function half(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * 2 ** -14 * (fraction / 1024);
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * 2 ** (exponent - 15) * (1 + fraction / 1024);
}

/** The point of the CAD in mm that a pixel sees, of (height, width, 3); null for the background, which is -1. */
export function pointAt({ shape: [height, width], at }, column, row) {
  if (column < 0 || row < 0 || column >= width || row >= height) return null;
  const point = [0, 1, 2].map((axis) => at((row * width + column) * 3 + axis));
  return point.every((value) => value === -1) ? null : point;
}
