/* Scores of a reader's own two arrays. Files are read here; numbers are made in a worker. */
explore.makers.scorer = (box) => {
  const { html, number, angular, data } = explore;
  const refuse = (words) => {
    throw new Error(words);
  };
  const IDS = ["cka", "nbs", "linreg"]; // whose ranges are shown
  const product = (sizes) => sizes.reduce((a, b) => a * b, 1);
  /* Where a number stands on each axis, the last axis running fastest. */
  const placeOf = (at, shape) =>
    shape.map((size, axis) => Math.floor(at / product(shape.slice(axis + 1))) % size);

  // -- Files: each gives a list of {title, shape, values}, or of {title, refused}: why it isn't read

  function npy(bytes, title) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (view.byteLength < 12 || view.getUint32(0) !== 0x934e554d)
      refuse(`${title} is no .npy file`);
    const long = view.getUint8(6) > 1;
    const start = (long ? 12 : 10) + (long ? view.getUint32(8, true) : view.getUint16(8, true));
    const head = new TextDecoder().decode(bytes.subarray(10, start));
    const [, order, type] = head.match(/'descr': '([<>|=]?)(\w+)'/) ?? [];
    const shape = (head.match(/'shape': \(([^)]*)\)/)?.[1].match(/\d+/g) ?? []).map(Number);
    const [kind, size] = [type?.[0], Number(type?.slice(1))];
    if (!/^(f[248]|[iu][1248]|b1)$/.test(type)) {
      const hint = kind === "O" ? "; .astype(float) turns them into numbers if they are" : "";
      const got = kind === "O" ? "object" : type ? `${order}${type}` : "several fields";
      return { title, refused: `needs real numbers; got an array of dtype ${got}${hint}` };
    }
    const count = product(shape);
    if (start + count * size > bytes.length)
      refuse(`${title} ends early: it was not written whole`);
    const whole = size === 8 && kind !== "f";
    const number = { f: "Float", i: "Int" }[kind] ?? "Uint";
    const get = `get${whole ? "Big" : ""}${number}${8 * size}`;
    const fortran = head.includes("'fortran_order': True");
    const steps = shape.map((_, axis) => product(shape.slice(0, axis)));
    const moved = (at) => placeOf(at, shape).reduce((sum, k, axis) => sum + k * steps[axis], 0);
    const values = new Float64Array(count);
    for (let at = 0; at < count; at++) {
      const value = view[get](start + (fortran ? moved(at) : at) * size, order !== ">");
      values[at] = Number(value);
      if (whole && Math.abs(values[at]) > 2 ** 53) {
        const refused = `has whole numbers beyond 2^53, such as ${value}, which float64 would round; take each neuron's least value away while they are whole numbers`;
        return { title, refused };
      }
    }
    return { title, shape, values };
  }

  function npz(bytes, title) {
    let files = {};
    try {
      files = fflate.unzipSync(bytes, { filter: ({ name }) => name.endsWith(".npy") });
    } catch {
      refuse(`${title} is no .npz file, or was not written whole`);
    }
    const found = Object.entries(files).map(([name, part]) => npy(part, name.slice(0, -4)));
    const recordings = found.filter(({ refused, shape }) => !refused && shape.length > 1);
    return recordings.length ? recordings : found;
  }

  function csv(bytes, title) {
    const text = new TextDecoder().decode(bytes); // without its byte-order mark
    const lines = text.split(/[\r\n]+/).filter((line) => line.trim());
    const parts = (mark) => lines[0]?.split(mark).length;
    const [mark] = [",", ";", "\t", "|"].sort((a, b) => parts(b) - parts(a));
    const rows = lines.map((line) =>
      line.split(mark).map((cell) => cell.trim().replace(/^"(.*)"$/, "$1")),
    );
    const holds = (cell) =>
      cell === "" || /^[-+]?(nan|inf(inity)?)$/i.test(cell) || Number.isFinite(Number(cell));
    const counted = rows[0]?.length > 2 && rows[0].every((cell, j) => Number(cell) === j);
    const named = counted || (rows.length > 0 && !rows[0].every((cell) => cell && holds(cell)));
    const names = named ? rows.shift() : (rows[0]?.map((_, j) => `column ${j + 1}`) ?? []);
    const odd = rows.findIndex((row) => row.length !== names.length);
    if (odd >= 0)
      refuse(
        `${title} needs rows of the same length; row ${odd + 1} has ${rows[odd].length} values, and ${names.length} are expected`,
      );
    const index = named && names[0] === "" && rows.every((row, i) => Number(row[0]) === i);
    const used = names.map((_, j) => j).slice(index ? 1 : 0);
    const other = used.filter((j) => !rows.every((row) => holds(row[j])));
    if (other.length) {
      const some = other.slice(0, 5).map((j) => `'${names[j]}'`);
      const listed = some.join(", ") + (other.length > 5 ? ", ..." : "");
      const refused = `has ${other.length} of ${used.length} columns that are no numbers: ${listed}. Drop them, or write them as numbers with a decimal point`;
      return [{ title, refused }];
    }
    const read = (cell) => (/inf/i.test(cell) ? Infinity : cell === "" ? Number.NaN : Number(cell));
    const values = Float64Array.from(rows.flatMap((row) => used.map((j) => read(row[j]))));
    return [{ title, shape: [rows.length, used.length], values }];
  }

  async function arrays(file) {
    const kind = file.name.split(".").pop().toLowerCase();
    const reader = { npy: (...of) => [npy(...of)], npz, csv, tsv: csv, txt: csv }[kind];
    if (!reader) refuse(`${file.name}: the page reads .npy, .npz and .csv files`);
    return reader(new Uint8Array(await file.arrayBuffer()), file.name);
  }

  /* What is wrong with a side, as simlib's validation says it: what was found and what to do. */
  function fault({ name, shape, values, refused }) {
    if (refused) return `${name} ${refused}`;
    const shown = `(${shape.join(", ")}${shape.length === 1 ? "," : ""})`;
    if (shape.length !== 2 && shape.length !== 3)
      return `${name} needs the shape (samples, neurons) or (time, trial, neuron); got shape ${shown}${shape.length === 1 ? "; for one neuron use x[:, None]" : ""}`;
    const samples = values.length / shape.at(-1);
    if (!(samples >= 2)) return `${name} needs at least 2 samples and 1 neuron; got shape ${shown}`;
    const bad = values.filter((value) => !Number.isFinite(value)).length;
    if (bad) {
      const axes = shape.length === 2 ? ["sample", "neuron"] : ["time", "trial", "neuron"];
      const first = values.findIndex((value) => !Number.isFinite(value));
      const where = placeOf(first, shape).map((place, k) => `${axes[k]} ${place}`);
      return `${name} has ${bad} of ${values.length} values that are NaN or infinite, the first at ${where.join(", ")}; drop those neurons or trials, or fill them in, before scoring: nothing is repaired in silence`;
    }
    if (isRdm(shape, values))
      return `${name} looks like a dissimilarity matrix (RDM): ${shape[0]} x ${shape[0]}, symmetric, 0 on the diagonal (or least there), never negative. Responses are (samples, neurons). To compare two RDMs: sl.score(sl.measure('rsa', precomputed=True), RDM_X, RDM_Y); anything else needs the responses that it was made of. If these are responses, the order of neurons says nothing: ${name}[..., ::-1]`;
    if (samples > 3000) return "The page compares up to 3,000 samples; for more: sl.compare(X, Y)";
    return "";
  }

  function isRdm([n, p, more], values) {
    if (n !== p || n < 3 || more) return false;
    const [rows, at] = [Array.from({ length: n }, (_, i) => i), (i, j) => values[i * n + j]];
    const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const like = (i, j) =>
      Math.abs(at(i, j) - at(j, i)) <= 1e-3 * largest && at(i, j) >= -1e-6 * largest;
    const alike = rows.every((i) => at(i, i) <= 1e-3 * largest && rows.every((j) => like(i, j)));
    return alike && rows.some((i) => rows.filter((j) => at(i, j) > 1e-3 * largest).length > 1);
  }

  function mismatch(X, Y) {
    if (`${X.shape.slice(0, -1)}` === `${Y.shape.slice(0, -1)}`) return "";
    const rows = X.shape.length === 2 && Y.shape.length === 2;
    const got = rows
      ? `${X.shape[0]} and ${Y.shape[0]} rows`
      : `shapes (${X.shape.join(", ")}) and (${Y.shape.join(", ")})`;
    return `X and Y need the same samples in the same order; got ${got}. Arrays are (samples, neurons) or (time, trial, neuron); only the neurons may differ in number`;
  }

  // -- What is shown, in the tables of the page

  function show(found, sides) {
    const { shares, r2, ranges } = found;
    const three = (value, towards) => number(value, 3, towards);
    const tables = box.querySelector("#scorer-tables").content.cloneNode(true);
    const fill = (row, values) => {
      for (const [k, value] of values.entries()) row.cells[k + 1].textContent = value;
    };
    const scores = Array.from(tables.querySelectorAll("[data-score]"), (row) => {
      const { value, chance, spread, p, note } = found[row.dataset.score];
      const beside = spread >= 0 ? ` ± ${three(spread)}, p = ${three(p)}` : "";
      fill(row, [note ?? three(value), three(chance) + beside]);
      return `${row.cells[0].textContent} ${row.cells[1].textContent}`;
    });
    const angled = (id, value) => (id === "nbs" ? angular(value) : value);
    for (const row of tables.querySelectorAll("[data-given]")) {
      const id = row.dataset.given;
      row.cells[0].append(` ${three(angled(id, found[id].value))}`);
      const ends = IDS.map((other) => {
        const [low, high] = (ranges?.[id]?.[other] ?? []).map((end) => angled(other, end));
        return low >= 0 ? `${three(low, "down")} to ${three(high, "up")}` : "–";
      });
      fill(row, ends);
    }
    const norm = shares.reduce((sum, share) => sum + share ** 2, 0);
    const pattern = tables.querySelector("[data-pc]");
    for (const [i, share] of shares.slice(0, 10).entries()) {
      const row = pattern.parentNode.appendChild(pattern.cloneNode(true));
      row.cells[0].textContent = i + 1;
      const lost = [share ** 2 / norm, 1 - angular(1 - share)].map((v) => three(v));
      fill(row, [three(share), three(r2[i]), ...lost]);
    }
    pattern.remove();
    let [k, kept, variance] = [0, 0, 0];
    for (; kept < 0.99 ** 2 * norm; variance += shares[k++]) kept += shares[k] ** 2;
    tables.querySelector("p").textContent =
      `X's first ${k} of ${shares.length} PCs alone have a CKA of ${three(Math.sqrt(kept / norm), "down")} with X, and an angular Procrustes score of ${three(angular(Math.sqrt(variance)))}.`;
    results.replaceChildren(tables);
    const sizes = sides.map(({ name, shape }) => `${name} ${shape.join(" × ")}`).join(", ");
    const rest = ranges ? "." : "; exact ranges are being computed ...";
    status.textContent = `${sizes}: ${scores.join(", ")}${rest}`;
  }

  // -- The worker and the controls

  let worker = null;
  function score(sides) {
    const text = `(${data.mlMatrix})();
      const score = (${data.scorerNumbers})(mlMatrix);
      const exactRanges = ${data.exactRanges};
      onmessage = ({ data }) => {
        try {
          const found = score(data);
          postMessage({ found });
          const range = exactRanges(found.shares, data[1].shape.at(-1));
          const row = (of) => Object.fromEntries(${JSON.stringify(IDS)}.map((id) => [id, of(id)]));
          found.ranges = found.shares.length > 300 ? {} : row((given) => row((other) => given === other ? [] : range(given, other, found[given].value)));
          postMessage({ found });
        } catch ({ message }) {
          postMessage({ said: message });
        }
      };`;
    const address = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
    worker = new Worker(address);
    URL.revokeObjectURL(address);
    worker.onmessage = ({ data: { found, said } }) => {
      if (found) show(found, sides);
      else status.textContent = said;
    };
    status.textContent = "Scoring ...";
    worker.postMessage(sides);
  }

  const [status, results] = ["[role=status]", "#scorer-results"].map((s) => box.querySelector(s));
  const taken = {};
  /* Does the work, then scores what is there; says what is wrong with it. */
  async function attempt(work) {
    worker?.terminate();
    results.replaceChildren();
    try {
      await work();
      const names = ["X", "Y"].filter((name) => taken[name]);
      const sides = names.map((name) => ({ ...taken[name], name }));
      const missing = `${names[0] === "X" ? "Y" : "X"} is missing: choose its file.`;
      const wrong = sides.map(fault).find(Boolean);
      const words = wrong || (sides.length < 2 ? missing : mismatch(...sides));
      if (words) status.textContent = words;
      else score(sides);
    } catch ({ message }) {
      status.textContent = message;
    }
  }
  const takers = ["X", "Y"].map((name) => {
    const input = box.querySelector(`#scorer-${name}`);
    const select = box.querySelector(`#scorer-${name}-array`);
    let found = [];
    const choose = () => {
      taken[name] = found[select.value];
    };
    const take = (file) =>
      attempt(async () => {
        delete taken[name];
        found = await arrays(file);
        const titles = found.map(({ title, shape }) => `${title} (${shape ?? "no numbers"})`);
        select.replaceChildren(...titles.map((title, value) => html("option", { value }, title)));
        select.hidden = found.length < 2;
        choose();
      });
    select.addEventListener("change", () => attempt(choose));
    input.addEventListener("change", () => input.files[0] && take(input.files[0]));
    return take;
  });
  const trySample = () => attempt(() => Object.assign(taken, data.scorer));
  box.querySelector("button").addEventListener("click", trySample);
  box.addEventListener("dragover", (event) => event.preventDefault());
  box.addEventListener("drop", async (event) => {
    event.preventDefault();
    const files = [...event.dataTransfer.files].slice(0, 2);
    const first = files.length === 1 && taken.X && !taken.Y ? 1 : 0;
    for (const [k, file] of files.entries()) await takers[first + k](file);
  });
  if (new URLSearchParams(location.search).has("sample")) trySample();
};
