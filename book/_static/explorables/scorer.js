/* Scores of a reader's own two arrays. Files are read here; numbers are made in a worker. */
explore.define("scorer", (box) => {
  const { html, number, angular, data } = explore;
  const refuse = (words) => {
    throw new Error(words);
  };
  const listed = (names) => `${names.slice(0, 5).join(", ")}${names.length > 5 ? ", ..." : ""}`;

  // -- Files: each gives a list of {title, shape, values}, or of {title, refused}

  const TYPES = {
    f8: "Float64",
    f4: "Float32",
    i1: "Int8",
    i2: "Int16",
    i4: "Int32",
    i8: "BigInt64",
  };
  Object.assign(TYPES, { u1: "Uint8", u2: "Uint16", u4: "Uint32", u8: "BigUint64", b1: "Uint8" });
  const half = (bits) => {
    const [power, digits] = [(bits >> 10) & 31, bits & 1023];
    const size = power ? (1 + digits / 1024) * 2 ** (power - 15) : digits * 2 ** -24;
    return (bits >> 15 ? -1 : 1) * (power === 31 ? (digits ? Number.NaN : Infinity) : size);
  };

  function npy(bytes, title) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (view.byteLength < 12 || view.getUint32(0) !== 0x934e554d)
      refuse(`${title} is no .npy file`);
    const long = view.getUint8(6) > 1;
    const start = (long ? 12 : 10) + (long ? view.getUint32(8, true) : view.getUint16(8, true));
    const head = new TextDecoder().decode(bytes.subarray(10, start));
    const [, order, type] = head.match(/'descr': '([<>|=]?)(\w+)'/) ?? [];
    const shape = (head.match(/'shape': \(([^)]*)\)/)?.[1].match(/\d+/g) ?? []).map(Number);
    const size = Number(type?.slice(1));
    if (!(type in TYPES) && type !== "f2") {
      const objects = type?.[0] === "O";
      const hint = objects ? "; .astype(float) turns them into numbers if they are" : "";
      const got = objects ? "object" : type ? `${order}${type}` : "several fields";
      return { title, refused: ` needs real numbers; got an array of dtype ${got}${hint}` };
    }
    const count = shape.reduce((a, b) => a * b, 1);
    if (start + count * size > bytes.length)
      refuse(`${title} ends early: it was not written whole`);
    const get = type === "f2" ? "getUint16" : `get${TYPES[type]}`;
    const steps = shape.map((_, axis) => shape.slice(0, axis).reduce((a, b) => a * b, 1));
    const fortran = head.includes("'fortran_order': True");
    const values = new Float64Array(count);
    for (let at = 0; at < count; at++) {
      let from = at;
      if (fortran) {
        from = 0;
        for (let axis = shape.length - 1, left = at; axis >= 0; axis--) {
          from += (left % shape[axis]) * steps[axis];
          left = Math.floor(left / shape[axis]);
        }
      }
      const value = view[get](start + from * size, order !== ">");
      values[at] = type === "f2" ? half(value) : Number(value);
      if (size === 8 && type[0] !== "f" && Math.abs(values[at]) > 2 ** 53)
        return {
          title,
          refused: ` has whole numbers beyond 2^53, such as ${value}, which float64 would round; take each neuron's least value away while they are whole numbers`,
        };
    }
    return { title, shape, values };
  }

  async function npz(bytes, title) {
    const view = new DataView(bytes.buffer);
    let end = bytes.length - 22;
    while (end >= 0 && view.getUint32(end, true) !== 0x06054b50) end--;
    if (end < 0) refuse(`${title} is no .npz file, or was not written whole`);
    const found = [];
    let at = view.getUint32(end + 16, true);
    for (let k = view.getUint16(end + 10, true); k > 0; k--) {
      const short = (place) => view.getUint16(place, true);
      const name = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + short(at + 28)));
      const local = view.getUint32(at + 42, true);
      const start = local + 30 + short(local + 26) + short(local + 28);
      let part = bytes.slice(start, start + view.getUint32(at + 20, true));
      if (short(at + 10) === 8) {
        const plain = new Blob([part]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
        part = new Uint8Array(await new Response(plain).arrayBuffer());
      }
      if (name.endsWith(".npy")) found.push(npy(part, name.slice(0, -4)));
      at += 46 + short(at + 28) + short(at + 30) + short(at + 32);
    }
    const recordings = found.filter(({ refused, shape }) => !refused && shape.length > 1);
    return recordings.length ? recordings : found;
  }

  function csv(bytes, title) {
    const text = new TextDecoder().decode(bytes).replace(/^\uFEFF/, "");
    const lines = text.split(/\r\n|\n|\r/).filter((line) => line.trim());
    const mark = [",", ";", "\t", "|"].reduce((best, one) => {
      const parts = (by) => lines[0]?.split(by).length ?? 0;
      return parts(one) > parts(best) ? one : best;
    });
    const rows = lines.map((line) =>
      line.split(mark).map((cell) => cell.trim().replace(/^"(.*)"$/, "$1")),
    );
    const holds = (cell) =>
      cell === "" || /^[-+]?(nan|inf(inity)?)$/i.test(cell) || Number.isFinite(Number(cell));
    const named = rows.length > 0 && !rows[0].every((cell) => cell && holds(cell));
    const names = named ? rows.shift() : rows[0]?.map((_, j) => `column ${j + 1}`);
    const odd = rows.findIndex((row) => row.length !== names.length);
    if (odd >= 0)
      refuse(
        `${title} needs rows of the same length; row ${odd + 1} has ${rows[odd].length} values, and ${names.length} are expected`,
      );
    const index = named && names[0] === "" && rows.every((row, i) => Number(row[0]) === i);
    const used = names.map((_, j) => j).slice(index ? 1 : 0);
    const other = used.filter((j) => !rows.every((row) => holds(row[j])));
    if (other.length)
      return [
        {
          title,
          refused: ` has ${other.length} of ${used.length} columns that are no numbers: ${listed(other.map((j) => `'${names[j]}'`))}. Drop them, or write them as numbers with a decimal point`,
        },
      ];
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

  /* As simlib's validation: what was found and what to do. */
  function checked({ shape, values, refused }, name) {
    if (refused) refuse(name + refused);
    const shown = `(${shape.join(", ")}${shape.length === 1 ? "," : ""})`;
    if (shape.length !== 2 && shape.length !== 3)
      refuse(
        `${name} needs the shape (samples, neurons) or (time, trial, neuron); got shape ${shown}${shape.length === 1 ? "; for one neuron use x[:, None]" : ""}`,
      );
    if (!(values.length / shape.at(-1) >= 2))
      refuse(`${name} needs at least 2 samples and 1 neuron; got shape ${shown}`);
    const bad = values.reduce((count, value) => count + !Number.isFinite(value), 0);
    if (bad) {
      let first = values.findIndex((value) => !Number.isFinite(value));
      const axes = shape.length === 2 ? ["sample", "neuron"] : ["time", "trial", "neuron"];
      const where = axes.map((axis, k) => {
        const step = shape.slice(k + 1).reduce((a, b) => a * b, 1);
        const place = Math.floor(first / step);
        first %= step;
        return `${axis} ${place}`;
      });
      refuse(
        `${name} has ${bad} of ${values.length} values that are NaN or infinite, the first at ${where.join(", ")}; drop those neurons or trials, or fill them in, before scoring: nothing is repaired in silence`,
      );
    }
    return { name, shape, values };
  }

  function matched(X, Y) {
    if (`${X.shape.slice(0, -1)}` === `${Y.shape.slice(0, -1)}`) return [X, Y];
    const rows = X.shape.length === 2 && Y.shape.length === 2;
    const got = rows
      ? `${X.shape[0]} and ${Y.shape[0]} rows`
      : `shapes (${X.shape.join(", ")}) and (${Y.shape.join(", ")})`;
    return refuse(
      `X and Y need the same samples in the same order; got ${got}. Arrays are (samples, neurons) or (time, trial, neuron); only the neurons may differ in number`,
    );
  }

  // -- What is shown

  const ASKS = {
    cka: ["CKA", "Do samples have the same similarities? Both ways alike; large PCs count most"],
    "cka-debiased": [
      "Debiased CKA",
      "The same, about 0 for unrelated data of any number of neurons. Both ways alike",
    ],
    nbs: ["NBS", "What is left after the best rotation. Both ways alike"],
    "procrustes-angular-score": [
      "Angular Procrustes",
      "The same as an angle: steep near 1, where small PCs count. Both ways alike",
    ],
    linreg: [
      "Linear regression R²",
      "Can X be predicted from Y? Not the other way round: exchange the files for that",
    ],
    rsa: ["RSA", "Do pairs of samples have the same distances? Both ways alike"],
  };
  const NAMES = { cka: "CKA", nbs: "angular Procrustes", linreg: "R²" };

  function table(caption, head, rows) {
    const row = (cells, tag) =>
      html(
        "tr",
        {},
        ...cells.map((cell, k) =>
          html(
            k ? tag : "th",
            k && tag === "td" ? {} : { scope: tag === "th" ? "col" : "row" },
            cell,
          ),
        ),
      );
    return html(
      "table",
      { class: "table" },
      html("caption", {}, caption),
      html("thead", {}, row(head, "th")),
      html("tbody", {}, ...rows.map((cells) => row(cells, "td"))),
    );
  }

  function chance(id, one) {
    if (id !== "rsa") return number(one.chance, 3);
    return one.others.length
      ? `${number(one.chance, 3)} ± ${number(one.spread, 3)}; p = ${number(one.p, 3)}`
      : "–";
  }

  function show(found, sides) {
    const { shares, n } = found;
    const [p, q] = [shares.length, sides[1].shape.at(-1)];
    const scored = table(
      "Scores of X and Y. By chance: the mean over permutations of Y's trials, in closed form; of RSA over 100 shuffles (seed 0), with their standard deviation and the share that scores as much.",
      ["Measure", "Score", "By chance", "What it asks"],
      Object.entries(ASKS).map(([id, [title, asks]]) => [
        title,
        number(found[id].value, 3),
        found[id].note ? "–" : chance(id, found[id]),
        found[id].note ?? asks,
      ]),
    );
    const shown = (id, value) => (id === "nbs" ? angular(value) : value);
    const left = (given, other) => {
      const [low, high] = found.ranges[given][other];
      return low >= 0
        ? `${number(shown(other, low), 3, "down")} to ${number(shown(other, high), 3, "up")}`
        : "not known";
    };
    const ids = Object.keys(NAMES);
    const room =
      n - 1 < p + q
        ? ` With ${n} samples, fewer than PCs and columns together, they are bounds: less may be possible.`
        : "";
    const ranges = table(
      `What each score leaves open: the exact range of the others over all Y of ${q} columns, for the variances of X's ${p} PCs.${room}`,
      ["Given", ...ids.map((id) => NAMES[id])],
      ids.map((id) => [
        `${NAMES[id]} ${number(shown(id, found[id].value), 3)}`,
        ...ids.map((other) =>
          other === id ? "–" : found.ranges ? left(id, other) : "too many PCs",
        ),
      ]),
    );
    const norm = shares.reduce((sum, share) => sum + share ** 2, 0);
    const lost = table(
      "PCs of X, largest first: their share of the variance, how well Y predicts them, and what the score of X with itself loses where that PC alone is replaced by noise.",
      ["PC", "Variance", "R² from Y", "CKA loses", "Angular Procrustes loses"],
      Array.from(shares.slice(0, 10), (share, i) => [
        `${i + 1}`,
        ...[share, found.r2[i], share ** 2 / norm, 1 - angular(1 - share)].map((value) =>
          number(value, 3),
        ),
      ]),
    );
    let [k, kept] = [0, 0];
    while (kept < 0.99 ** 2 * norm) kept += shares[k++] ** 2;
    const variance = shares.slice(0, k).reduce((a, b) => a + b, 0);
    const blind = `X's first ${k} of ${p} PCs alone have a CKA of ${number(Math.sqrt(kept / norm), 3, "down")} with X, and an angular Procrustes score of ${number(angular(Math.sqrt(variance)), 3)}: CKA can hardly see what the others hold.`;
    results.replaceChildren(
      scored,
      html("p", {}, p > k ? blind : "All PCs of X count in CKA."),
      lost,
      ranges,
    );
    const words = ids.map((id) => `${NAMES[id]} ${number(shown(id, found[id].value))}`).join(", ");
    status.textContent = `${sides.map(({ name, shape }) => `${name} ${shape.join(" × ")}`).join(", ")}: ${words}.`;
  }

  // -- The worker and the controls

  let worker = null;
  function score(sides) {
    const { mlMatrix, scorerNumbers, exactRanges } = data;
    const text = `(${mlMatrix})();
      const numbers = (${scorerNumbers})(mlMatrix);
      const exactRanges = ${exactRanges};
      onmessage = ({ data }) => {
        try {
          const found = numbers.score(data);
          postMessage({ said: "Scores are there; ranges are being computed." });
          if (found.shares.length <= 300) {
            const range = exactRanges(Array.from(found.shares), data[1].shape.at(-1));
            const ids = ["cka", "nbs", "linreg"];
            const row = (of) => Object.fromEntries(ids.map((id) => [id, of(id)]));
            found.ranges = row((given) => row((other) => given === other ? [] : range(given, other, found[given].value)));
          }
          postMessage({ found });
        } catch ({ message }) {
          postMessage({ said: message });
        }
      };`;
    worker?.terminate();
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

  const status = html("p", { role: "status" }, "No files yet.");
  const results = html("div", { class: "scorer-results" });
  const taken = {};
  async function attempt(work) {
    worker?.terminate();
    results.replaceChildren();
    try {
      await work();
    } catch ({ message }) {
      status.textContent = message;
    }
  }
  const ready = () => {
    const [X, Y] = ["X", "Y"].map((name) => taken[name] && checked(taken[name], name));
    if (!X || !Y) status.textContent = `${X ? "Y" : "X"} is missing: choose its file.`;
    else if (X.values.length / X.shape.at(-1) > 3000)
      refuse("The page compares up to 3,000 samples; for more: sl.compare(X, Y)");
    else score(matched(X, Y));
  };
  const sides = ["X", "Y"].map((name) => {
    const input = html("input", {
      type: "file",
      id: `scorer-${name}`,
      accept: ".npy,.npz,.csv,.tsv,.txt",
    });
    const select = html("select", { "aria-label": `Array of the file for ${name}`, hidden: "" });
    const words = name === "X" ? "X, the reference" : "Y, compared with it";
    let found = [];
    select.addEventListener("change", () =>
      attempt(() => {
        taken[name] = found[select.value];
        ready();
      }),
    );
    const take = (file) =>
      attempt(async () => {
        delete taken[name];
        found = await arrays(file);
        select.replaceChildren(
          ...found.map(({ title, shape }, k) =>
            html("option", { value: k }, `${title} (${shape ?? "no numbers"})`),
          ),
        );
        select.hidden = found.length < 2;
        taken[name] = found[0];
        ready();
      });
    input.addEventListener("change", () => input.files[0] && take(input.files[0]));
    return {
      take,
      element: html("div", {}, html("label", { for: input.id }, words), input, select),
    };
  });
  const sample = html(
    "button",
    { type: "button", class: "sd-btn sd-btn-outline-primary" },
    "Try two small arrays",
  );
  const trySample = () =>
    attempt(() => {
      Object.assign(taken, data.scorer);
      ready();
    });
  sample.addEventListener("click", trySample);
  box.addEventListener("dragover", (event) => event.preventDefault());
  box.addEventListener("drop", async (event) => {
    event.preventDefault();
    const files = [...event.dataTransfer.files];
    const first = files.length === 1 && taken.X && !taken.Y ? 1 : 0;
    for (const [k, file] of files.slice(0, 2).entries()) await sides[first + k]?.take(file);
  });
  box.append(
    html("div", { class: "explorable-panels" }, ...sides.map(({ element }) => element), sample),
    status,
    results,
  );
  if (new URLSearchParams(location.search).has("sample")) trySample();
});
