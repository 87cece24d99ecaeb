// What was dropped or chosen: which files are CADs, and which go with them.

const CADS = ["ply", "obj", "stl", "step", "stp", "iges", "igs", "glb", "gltf", "3mf", "dae", "off"];
const WITH_COMPANIONS = ["obj", "gltf", "dae", "ply"];
const COMPANIONS = ["mtl", "png", "jpg", "jpeg", "bmp", "tga", "tif", "tiff", "webp", "bin"];

export const ACCEPTED = [...CADS, ...COMPANIONS, "zip"].map((ending) => `.${ending}`).join(",");

export const endingOf = (name) => name.split(".").pop().toLowerCase();

/**
 * One upload for each CAD, with the files that it may refer to.
 * @param {File[]} files
 * @returns {{uploads: {name: string, files: File[]}[], unknown: string[]}} `unknown` are files that nothing is done with.
 */
export function uploadsOf(files) {
  const cads = files.filter((file) => CADS.includes(endingOf(file.name)));
  const companions = files.filter((file) => COMPANIONS.includes(endingOf(file.name)));
  const zips = files.filter((file) => endingOf(file.name) === "zip");
  const uploads = [...cads, ...zips].map((file) => ({
    name: file.name,
    files: WITH_COMPANIONS.includes(endingOf(file.name)) ? [file, ...companions] : [file],
  }));
  const taken = new Set(uploads.flatMap((upload) => upload.files));
  return { uploads, unknown: files.filter((file) => !taken.has(file)).map((file) => file.name) };
}

/** Files of a drop, those in dropped folders too. */
export async function droppedFiles(transfer) {
  const entries = [...transfer.items].filter((item) => item.kind === "file").map((item) => item.webkitGetAsEntry?.() ?? null);
  if (!entries.length || entries.includes(null)) return [...transfer.files];
  return (await Promise.all(entries.map(filesOf))).flat();
}

async function filesOf(entry) {
  if (entry.isFile) return [await new Promise((resolve, reject) => entry.file(resolve, reject))];
  const reader = entry.createReader();
  const found = [];
  for (;;) { // It gives a hundred at a time.
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) break;
    found.push(...some);
  }
  return (await Promise.all(found.map(filesOf))).flat();
}
