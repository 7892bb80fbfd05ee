import { fit, readImage } from "./image.js";
import {
  attentionInk, cell, colourTable, evidenceInk, paint, paintEvidenceScale, paintScale,
  relative, valueAt,
} from "./map.js";
import { connect, predict, readSettings } from "./server.js";

const LONGEST = 640; // pixels of the picture on the page
const HINT = document.getElementById("reading").textContent;

const find = (id) => document.getElementById(id);
const view = find("view");

let settings; // where to ask
let model = null; // {version, hasMaps}, once the server has answered
let shown = null; // {bitmap, top, levels: Map of name -> {rows, relative, grid, evidence}}
let level = null; // the name of the level on show; null for the plain image
let probe = null; // where the map is read, {x, y} from 0 to 1
let latest = 0; // number of the request whose answer is wanted

start();

async function start() {
  listen();
  try {
    settings = await readSettings();
  } catch {
    return say("explorer.json, which names the server and the model, can't be read.");
  }
  showSamples(settings.samples);
  await reach().catch((error) => say(error.message));
}

/** Asks the server what it has; at the start, and again after it was away. */
async function reach() {
  find("model").textContent = `${settings.model}: connecting …`;
  try {
    model = await connect(settings);
  } catch (error) {
    model = null;
    find("model").textContent = `${settings.model}: not available`;
    throw error;
  }
  find("model").textContent = `${settings.model}, version ${model.version}`;
}

function listen() {
  const drop = find("drop");
  find("file").addEventListener("change", (event) => {
    explore(event.target.files[0]);
    event.target.value = ""; // the same file may be chosen again
  });
  for (const type of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(type, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", type === "dragover");
    });
  }
  document.addEventListener("drop", (event) => explore(event.dataTransfer.files[0]));
  document.addEventListener("paste", (event) => explore(event.clipboardData.files[0]));
  find("controls").addEventListener("input", draw);
  find("controls").addEventListener("submit", (event) => event.preventDefault());
  for (const kind of ["pointerdown", "pointermove"]) {
    view.addEventListener(kind, (event) => {
      const box = view.getBoundingClientRect();
      read((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
    });
  }
  view.addEventListener("pointerleave", (event) => {
    // A finger that is lifted leaves too, and only then can one read.
    if (event.pointerType !== "touch" && document.activeElement !== view) unread();
  });
  view.addEventListener("blur", unread);
  view.addEventListener("keydown", step);
}

/** Shows what the model says about a file. */
async function explore(file, sample = null) {
  if (!file) return;
  const number = ++latest;
  say("");
  for (const button of find("samples").children) {
    button.setAttribute("aria-pressed", String(button === sample));
  }
  find("result").classList.add("waiting");
  try {
    const image = await readImage(file);
    if (!model) await reach();
    const answer = await predict(settings, model.hasMaps, image.bytes);
    if (number !== latest) return; // another image was chosen meanwhile
    show(answer.fitted ? fit(image.bitmap, answer.fitted) : image.bitmap, answer);
  } catch (error) {
    if (number === latest) say(error.message);
  } finally {
    if (number === latest) find("result").classList.remove("waiting");
  }
}

function show(bitmap, { classes, levels }) {
  const maps = [...levels].map(([n, map]) => [n, { ...map, relative: relative(map.rows) }]);
  shown = { bitmap, top: classes[0].name, levels: new Map(maps) };
  if (!shown.levels.has(level)) level = [...levels.keys()].at(-1) ?? null;
  const scale = LONGEST / Math.max(bitmap.width, bitmap.height);
  view.width = Math.max(1, Math.round(scale * bitmap.width));
  view.height = Math.max(1, Math.round(scale * bitmap.height));
  showClasses(classes);
  showLevels();
  find("controls").hidden = levels.size === 0;
  find("legend").hidden = levels.size === 0;
  find("kind-choice").hidden = ![...levels.values()].some((map) => map.evidence);
  find("result").hidden = false;
  unread();
  draw();
}

function showClasses(classes) {
  find("classes").replaceChildren(
    ...classes.map(({ name, probability }) => {
      const item = document.createElement("li");
      const [label, value, bar, fill] = ["span", "span", "div", "div"].map((tag) =>
        document.createElement(tag),
      );
      label.textContent = name;
      value.textContent = `${(100 * probability).toFixed(1)}%`;
      bar.className = "bar";
      fill.style.width = `${100 * probability}%`;
      bar.append(fill);
      item.append(label, value, bar);
      return item;
    }),
  );
}

function showLevels() {
  const choices = [[null, "image"]];
  for (const n of shown.levels.keys()) choices.push([n, n.replaceAll("_", " ")]);
  find("levels").replaceChildren(
    ...choices.map(([n, text]) => {
      const label = document.createElement("label");
      const input = document.createElement("input");
      const small = document.createElement("canvas");
      Object.assign(input, { type: "radio", name: "level", checked: n === level });
      input.addEventListener("input", () => { // before the form's, which draws
        level = n;
        unread();
      });
      small.width = small.height = 64;
      small.dataset.level = n ?? "";
      label.append(input, small, text);
      return label;
    }),
  );
}

function draw() {
  if (!shown) return;
  const colours = colourTable(find("colours").value);
  const options = {
    opacity: find("opacity").value / 100,
    asCells: find("cells").checked,
  };
  find("opacity-value").textContent = `${find("opacity").value}%`;
  const layers = showsEvidence() ? evidence() : attention(colours);
  paint(view, shown.bitmap, layers.get(level) ?? null, options);
  for (const small of find("levels").querySelectorAll("canvas")) {
    paint(small, shown.bitmap, layers.get(small.dataset.level) ?? null, options);
  }
  showLegend(colours);
  if (probe) read(probe.x, probe.y);
}

function showsEvidence() {
  return !find("kind-choice").hidden && find("kind").value === "evidence";
}

/** What is painted of each level: {rows, grid, ink}, see map.js. */
function attention(colours) {
  const ink = attentionInk(colours);
  return eachLevel((map) => ({ rows: map.relative, grid: map.grid, ink }));
}

function evidence() {
  const ink = evidenceInk(largestEvidence()); // one scale: what a level gives, compares
  // A gate has none: it acts through the levels behind it.
  return eachLevel((map) => map.evidence && { rows: map.evidence, grid: map.grid, ink });
}

function eachLevel(layer) {
  return new Map([...shown.levels].map(([name, map]) => [name, layer(map)]));
}

function largestEvidence() {
  const values = [...shown.levels.values()].flatMap((map) => map.evidence?.flat() ?? []);
  return values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
}

function showLegend(colours) {
  const asEvidence = showsEvidence();
  let ticks = ["1×", "2×", "4×", "8×", "16×"];
  if (asEvidence) {
    const largest = short(largestEvidence());
    ticks = [`−${largest}`, "0", `+${largest}`];
    paintEvidenceScale(find("scale"));
  } else {
    paintScale(find("scale"), colours);
  }
  find("ticks").replaceChildren(
    ...ticks.map((text) => Object.assign(document.createElement("span"), { textContent: text })),
  );
  find("meaning").textContent = asEvidence
    ? `What each position gives to the logit of ${shown.top}: red speaks for it, blue against it.`
    : "Attention relative to an even spread over the image.";
  find("colours").disabled = asEvidence;
}

/** Says the map's value at a place of the image, x and y from 0 to 1. */
function read(x, y) {
  const map = shown?.levels.get(level);
  if (!map) return unread();
  probe = { x, y };
  const row = cell(y, map.rows.length, map.grid[0]);
  const column = cell(x, map.rows[0].length, map.grid[1]);
  const asCells = find("cells").checked;
  const value = (rows) => valueAt(rows, map.grid, x, y, asCells);
  const says = showsEvidence()
    ? `${map.evidence ? signed(value(map.evidence)) : "nothing"} to the logit of ${shown.top}.`
    : `${short(value(map.relative))} times an even spread ` +
      `(attention ${short(value(map.rows))}).`;
  find("reading").textContent =
    `${level[0].toUpperCase()}${level.slice(1).replaceAll("_", " ")}, row ${row + 1} of ${map.rows.length}, ` +
    `column ${column + 1} of ${map.rows[0].length}: ${says}`;
}

function signed(value) {
  return (value < 0 ? "−" : "+") + short(Math.abs(value));
}

function short(value) {
  return value && value < 0.001 ? value.toExponential(1) : value.toPrecision(3);
}

function unread() {
  probe = null;
  find("reading").textContent = shown && level === null ? "" : HINT;
}

/** Arrow keys move the place that is read by one cell. */
function step(event) {
  const map = shown?.levels.get(level);
  const moves = {
    ArrowLeft: [-1, 0],
    ArrowRight: [1, 0],
    ArrowUp: [0, -1],
    ArrowDown: [0, 1],
  };
  const move = moves[event.key];
  if (!map || !move) return;
  event.preventDefault();
  const size = [map.rows[0].length, map.rows.length];
  const from = probe ? [probe.x, probe.y] : [0.5, 0.5];
  const [x, y] = from.map((place, axis) => {
    const lines = map.grid[1 - axis];
    const at = cell(place, size[axis], lines) + (probe ? move[axis] : 0);
    return lines.first + Math.min(size[axis] - 1, Math.max(0, at)) * lines.step;
  });
  read(x, y);
}

function showSamples(paths) {
  find("samples").replaceChildren(
    ...paths.map((path) => {
      const button = document.createElement("button");
      const image = document.createElement("img");
      image.src = path;
      image.alt = `Sample ${path.split("/").at(-1).replace(/^\d+_|\.\w+$/g, "")}`;
      button.type = "button";
      button.setAttribute("aria-pressed", "false");
      button.append(image);
      button.addEventListener("click", async () => {
        const response = await fetch(path).catch(() => null);
        if (!response?.ok) return say(`The sample ${path} can't be read.`);
        explore(new File([await response.blob()], path), button);
      });
      return button;
    }),
  );
}

function say(sentence) {
  find("error").textContent = sentence;
  find("error").hidden = !sentence;
}
