// From a file to what is shown and what is sent.

const LONGEST = 2048; // pixels of an image that had to be encoded anew
const MOST = 2 ** 25; // pixels that a model takes

/**
 * Reads an image. JPEG and PNG are sent as they are, so the answer is that of every
 * other client; what the model can't read, or exports of earlier versions would see lying
 * on its side, is turned into an upright PNG.
 * Returns {bytes, bitmap}.
 */
export async function readImage(file) {
  const bytes = await file.arrayBuffer();
  let bitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    throw new Error(`${file.name || "This"} is no image that the browser can read.`);
  }
  const small = bitmap.width * bitmap.height <= MOST;
  if (small && (isPng(bytes) || (isJpeg(bytes) && orientation(bytes) === 1))) {
    return { bytes, bitmap };
  }
  return { bytes: await toPng(bitmap), bitmap };
}

/** The part of an image that a model sees, with its borders, in the model's shape. */
export function fit(bitmap, { aspect, background, shape: [height, width] }) {
  if (aspect === "squash") return bitmap;
  const sides = [bitmap.width / width, bitmap.height / height];
  const scale = aspect === "pad" ? Math.max(...sides) : Math.min(...sides);
  const canvas = new OffscreenCanvas(
    Math.max(1, Math.round(scale * width)),
    Math.max(1, Math.round(scale * height)),
  );
  const context = canvas.getContext("2d");
  context.fillStyle = `rgb(${background.join(" ")})`;
  context.fillRect(0, 0, canvas.width, canvas.height);
  const [left, top] = [canvas.width - bitmap.width, canvas.height - bitmap.height];
  context.drawImage(bitmap, left / 2, top / 2);
  return canvas;
}

async function toPng(bitmap) {
  const scale = Math.min(1, LONGEST / Math.max(bitmap.width, bitmap.height));
  const canvas = new OffscreenCanvas(
    Math.max(1, Math.round(scale * bitmap.width)),
    Math.max(1, Math.round(scale * bitmap.height)),
  );
  canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return (await canvas.convertToBlob({ type: "image/png" })).arrayBuffer();
}

function isPng(bytes) {
  const view = new DataView(bytes);
  return view.byteLength > 8 && view.getUint32(0) === 0x89504e47;
}

function isJpeg(bytes) {
  const view = new DataView(bytes);
  return view.byteLength > 4 && view.getUint16(0) === 0xffd8;
}

/** EXIF orientation of a JPEG, 1 (upright) to 8. */
export function orientation(bytes) {
  const view = new DataView(bytes);
  let at = 2;
  while (at + 10 < view.byteLength && view.getUint8(at) === 0xff) {
    const marker = view.getUint16(at);
    const isExif = marker === 0xffe1 && view.getUint32(at + 4) === 0x45786966;
    if (isExif) return exifOrientation(view, at + 10);
    if (marker === 0xffda) break; // pixels begin
    at += 2 + view.getUint16(at + 2);
  }
  return 1;
}

function exifOrientation(view, start) {
  const little = view.getUint16(start) === 0x4949;
  const directory = start + view.getUint32(start + 4, little);
  if (directory + 2 > view.byteLength) return 1;
  const count = view.getUint16(directory, little);
  for (let i = 0; i < count; i++) {
    const entry = directory + 2 + 12 * i;
    if (entry + 12 > view.byteLength) break;
    if (view.getUint16(entry, little) === 0x0112) return view.getUint16(entry + 8, little);
  }
  return 1;
}
