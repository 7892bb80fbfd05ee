// TensorFlow Serving's REST surface, as far as the explorer needs it.

const TIMEOUT = 30_000; // milliseconds

/** Where to ask: explorer.json, then ?server= and ?model= of the page's address. */
export async function readSettings() {
  const settings = await (await fetch("explorer.json")).json();
  const query = new URLSearchParams(location.search);
  return {
    server: (query.get("server") ?? settings.server ?? "").replace(/\/+$/, ""),
    model: query.get("model") ?? settings.model,
    samples: settings.samples ?? [],
  };
}

/** What the server has: the version, and whether it gives attention maps. */
export async function connect(settings) {
  const answer = await ask(settings, "/metadata");
  return {
    version: answer.model_spec.version,
    hasMaps: "attention_maps_bytes" in answer.metadata.signature_def.signature_def,
  };
}

/**
 * Asks about one image file.
 * Returns {classes: [{name, probability}], levels: Map of name -> {rows, grid, evidence},
 * fitted}; the grid tells where the map's rows and columns lie, see map.js; `evidence` are
 * the rows of what each position gives to the top class's logit, where the export has
 * them; `fitted`, where there is one, is which part of the image that is, see image.js.
 */
export async function predict(settings, hasMaps, bytes) {
  const body = {
    signature_name: hasMaps ? "attention_maps_bytes" : "serving_bytes",
    instances: [{ b64: await base64(bytes) }],
  };
  const answer = await ask(settings, ":predict", JSON.stringify(body));
  const [one] = answer.predictions;
  const levels = Object.keys(one)
    .filter((name) => `${name}_image` in one)
    .sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  return {
    classes: one.top_names.map((name, i) => ({
      name,
      probability: one.probabilities[one.top_classes[i]],
    })),
    levels: new Map(levels.map((level) => [level, placed(one, level)])),
    // Where files are cut or get borders, exports say how, and to which shape.
    fitted: one.preprocessing && {
      ...JSON.parse(one.preprocessing),
      shape: sizeOf(one[`${levels[0]}_image`]),
    },
  };
}

const sizeOf = (rows) => [rows.length, rows[0].length];

/** A level's map, and where its cells lie: as shares of the image, from pixels. */
function placed(answer, name) {
  const rows = answer[name];
  const cells = sizeOf(rows);
  const numbers = answer[`${name}_grid`];
  const image = answer[`${name}_image`];
  if (!numbers) { // an export made before there were grids: the cells fill the image
    return { rows, grid: cells.map((n) => ({ first: 0.5 / n, step: 1 / n })) };
  }
  const evidence = answer[`evidence_${name.replace(/^level_/, "")}`];
  const pixels = sizeOf(image);
  const grid = pixels.map((n, axis) => ({
    first: (numbers[axis] + 0.5) / n,
    step: numbers[axis + 2] / n,
  }));
  return { rows, grid, evidence };
}

async function ask(settings, path, body) {
  const url = `${settings.server}/v1/models/${encodeURIComponent(settings.model)}${path}`;
  let response;
  try {
    response = await fetch(url, {
      method: body ? "POST" : "GET",
      body,
      signal: AbortSignal.timeout(TIMEOUT),
    });
  } catch (error) {
    const why = error.name === "TimeoutError" ? "no answer in time" : "can't be reached";
    throw new Error(`The server ${settings.server || location.origin} ${why}.`);
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) {
    throw new Error(answer.error ?? `${response.status} ${response.statusText}`);
  }
  return answer;
}

async function base64(bytes) {
  const reader = new FileReader();
  const done = new Promise((resolve, reject) => {
    reader.onload = resolve;
    reader.onerror = () => reject(reader.error);
  });
  reader.readAsDataURL(new Blob([bytes]));
  await done;
  return reader.result.slice(reader.result.indexOf(",") + 1);
}
