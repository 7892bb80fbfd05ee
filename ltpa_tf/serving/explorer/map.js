// A map as colours over an image; attention's scale is that of ltpa_tf.explain.

// Attention relative to an even spread at which the colour ends.
const STRONGEST = 16;

// Evenly spaced stops: Matplotlib's inferno from a quarter on, and its viridis.
const COLOURS = {
  inferno: `57106e 721a6e 8d2369 a92e5e c33b4f da4e3c eb6628 f78410 fca309 fac62d
            f2e661 fcffa4`,
  viridis: `440154 482173 433e85 38588c 2d708e 25858e 1e9b8a 2ab07f 52c569 86d549
            c2df23 fde725`,
  white: "000000 ffffff",
};

// The ends of Matplotlib's RdBu.
const FOR = [178, 24, 43];
const AGAINST = [33, 102, 172];
const NOTHING = 150; // a grey, as of the image below

/** Attention relative to an even spread: 1 where a cell has no more than its share. */
export function relative(rows) {
  const values = rows.flat();
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return rows.map((row) => row.map((value) => (mean ? value / mean : 1)));
}

/** The place on attention's scale, 0 to 1: equal steps for every doubling. */
function strength(relativeValue) {
  const doublings = Math.log2(Math.max(relativeValue, 1));
  return Math.min(doublings / Math.log2(STRONGEST), 1);
}

/** Relative attention -> the colour and its share in the picture. */
export function attentionInk(colours) {
  return (value) => {
    const place = strength(value);
    return [colours[Math.round(255 * place)], Math.min(2 * place, 1)];
  };
}

/** Evidence -> the colour and its share: red speaks for the class, blue against it. */
export function evidenceInk(largest) {
  return (value) => {
    const size = largest ? Math.min(Math.abs(value) / largest, 1) : 0;
    return [value > 0 ? FOR : AGAINST, Math.min(2 * size, 1)];
  };
}

/** A table of 256 colours, [r, g, b] each. */
export function colourTable(name) {
  const stops = COLOURS[name]
    .split(/\s+/)
    .map((hex) => [0, 2, 4].map((i) => parseInt(hex.slice(i, i + 2), 16)));
  return Array.from({ length: 256 }, (_, i) => {
    const place = (i / 255) * (stops.length - 1);
    const low = Math.min(Math.floor(place), stops.length - 2);
    return stops[low].map((value, c) => value + (place - low) * (stops[low + 1][c] - value));
  });
}

/**
 * The value at a place of the image, x and y from 0 to 1. `grid` tells for rows and for
 * columns the centre of the first and the step to the next, as shares of the image.
 */
export function valueAt(rows, grid, x, y, asCells) {
  const height = rows.length;
  const width = rows[0].length;
  if (asCells) return rows[cell(y, height, grid[0])][cell(x, width, grid[1])];
  const [top, bottom, down] = neighbours(y, height, grid[0]);
  const [left, right, across] = neighbours(x, width, grid[1]);
  const mix = (a, b, t) => a + t * (b - a);
  return mix(
    mix(rows[top][left], rows[top][right], across),
    mix(rows[bottom][left], rows[bottom][right], across),
    down,
  );
}

/** The row or column at a place from 0 to 1. */
export function cell(place, count, { first, step }) {
  const at = Math.floor((place - first) / step + 0.5);
  return Math.min(count - 1, Math.max(0, at));
}

/** Bilinear between the cells' centres, borders repeated. */
function neighbours(place, count, { first, step }) {
  const at = Math.min(count - 1, Math.max(0, (place - first) / step));
  const low = Math.floor(at);
  return [low, Math.min(low + 1, count - 1), at - low];
}

/**
 * Paints the image in grey, coloured where the map says something.
 * `map` is {rows, grid, ink}, or null for the plain image.
 */
export function paint(canvas, bitmap, map, { opacity, asCells }) {
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const { width, height } = canvas;
  context.imageSmoothingEnabled = bitmap.width > width;
  context.imageSmoothingQuality = "high";
  context.clearRect(0, 0, width, height);
  context.drawImage(bitmap, 0, 0, width, height);
  if (!map) return;
  const picture = context.getImageData(0, 0, width, height);
  const data = picture.data;
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += 4) {
      const [across, down] = [(x + 0.5) / width, (y + 0.5) / height];
      const value = valueAt(map.rows, map.grid, across, down, asCells);
      const [colour, covered] = map.ink(value);
      const share = opacity * covered;
      const grey = 0.299 * data[at] + 0.587 * data[at + 1] + 0.114 * data[at + 2];
      for (let c = 0; c < 3; c++) {
        // With the map fades the image's own colour.
        const image = (1 - opacity) * data[at + c] + opacity * (38 + 0.75 * grey);
        data[at + c] = (1 - share) * image + share * colour[c];
      }
    }
  }
  context.putImageData(picture, 0, 0);
}

/** Paints the colour scale from 1 to 16 times an even spread, left to right. */
export function paintScale(canvas, colours) {
  const context = canvas.getContext("2d");
  colours.forEach((colour, i) => fill(context, i, colour));
}

/** Paints evidence's scale, the most against the class to the most for it. */
export function paintEvidenceScale(canvas) {
  const context = canvas.getContext("2d");
  const ink = evidenceInk(1);
  for (let i = 0; i < canvas.width; i++) {
    const [colour, share] = ink((2 * i) / (canvas.width - 1) - 1);
    fill(context, i, colour.map((value) => share * value + (1 - share) * NOTHING));
  }
}

function fill(context, column, [red, green, blue]) {
  context.fillStyle = `rgb(${red} ${green} ${blue})`;
  context.fillRect(column, 0, 1, context.canvas.height);
}
