/* What each score is after a change of one principal component (PC), as in simlib.theory. */
(() => {
  const { angular, number, MEASURES, html, svg } = explore;
  const CHANGES = [
    ["replaced", "PC i is replaced"],
    ["rotated", "PC i is rotated"],
    ["rescaled", "PC i is rescaled"],
    ["kept", "The first k PCs are kept"],
  ];
  const ORDER = ["cka", "cka-angular-score", "nbs", "procrustes-angular-score", "linreg", "ridge"];
  const PCS = 30; // every spectrum has as many

  /* CKA, NBS, linear and ridge R²: `f` is the share of the PC's variance, `g` that of its square. */
  const RULES = {
    replaced: ({ f, g, variance }) => [1 - g, 1 - f, 1 - f, variance],
    rotated: ({ f, g, variance, shrunk }, { angle }) => {
      const cosine = Math.cos((angle * Math.PI) / 180);
      const kept = cosine ** 2;
      const ridge = (1 - kept) * variance + kept * shrunk(variance);
      return [1 - g * (1 - kept), 1 - f * (1 - Math.abs(cosine)), 1 - f * (1 - kept), ridge];
    },
    rescaled: ({ f, g, variance, penalty }, { scale }) => {
      const [size, square] = [Math.abs(scale), scale ** 2];
      const left = square * variance + penalty;
      return [
        (1 - g + square * g) / Math.sqrt(1 - g + square ** 2 * g),
        (1 - f + size * f) / Math.sqrt(1 - f + square * f),
        scale === 0 ? 1 - f : 1,
        variance * (left > 0 ? penalty / left : 1) ** 2,
      ];
    },
  };
  const sum = (values) => values.reduce((total, value) => total + value, 0);
  const scores = (state, pc = state.pc) => {
    const shares = explore.data.spectra[explore.spectrumOf(state)];
    const { change, penalty } = state;
    const shrunk = (variance) => variance * (penalty / (variance + penalty)) ** 2;
    const [all, variance] = [sum(shares), shares[pc - 1]];
    const squares = sum(shares.map((share) => share ** 2));
    const [f, g] = [variance / all, variance ** 2 / squares];
    let [cka, nbs, linreg, lost] = [0, 0, 0, 0];
    if (change === "kept") {
      const kept = shares.slice(0, pc);
      linreg = sum(kept) / all;
      [cka, nbs] = [Math.sqrt(sum(kept.map((share) => share ** 2)) / squares), Math.sqrt(linreg)];
      lost = sum(kept.map(shrunk)) + sum(shares.slice(pc));
    } else {
      const rule = RULES[change];
      [cka, nbs, linreg, lost] = rule({ f, g, variance, penalty, shrunk }, state);
      lost += sum(shares.map(shrunk)) - shrunk(variance);
    }
    const angles = { "cka-angular-score": angular(cka), "procrustes-angular-score": angular(nbs) };
    return { cka, nbs, linreg, ridge: 1 - lost / all, ...angles };
  };

  /* The equations; L₁ and L₂ are the sums of all other variances, and of their squares. */
  const SHRUNK = "λⱼ(α/(λⱼ + α))²";
  const EQUATIONS = {
    replaced: {
      cka: "1 − λᵢ² / Σλⱼ²",
      nbs: "1 − λᵢ / Σλⱼ",
      linreg: "1 − λᵢ / Σλⱼ",
      ridge: `1 − [λᵢ + Σ ${SHRUNK}] / Σλⱼ, j ≠ i in the bracket`,
    },
    rotated: {
      cka: "1 − sin²θ λᵢ² / Σλⱼ²",
      nbs: "1 − (1 − |cos θ|) λᵢ / Σλⱼ",
      linreg: "1 − sin²θ λᵢ / Σλⱼ",
      ridge: `1 − [sin²θ λᵢ + cos²θ λᵢ(α/(λᵢ + α))² + Σ ${SHRUNK}] / Σλⱼ, j ≠ i in the bracket`,
    },
    rescaled: {
      cka: "(L₂ + a²λᵢ²) / √(Σλⱼ² (L₂ + a⁴λᵢ²))",
      nbs: "(L₁ + |a|λᵢ) / √(Σλⱼ (L₁ + a²λᵢ))",
      linreg: "1; without PC i where a = 0",
      ridge: `1 − [λᵢ(α/(a²λᵢ + α))² + Σ ${SHRUNK}] / Σλⱼ, j ≠ i in the bracket`,
    },
    kept: {
      cka: "√((λ₁² + … + λₖ²) / Σλⱼ²)",
      nbs: "√((λ₁ + … + λₖ) / Σλⱼ)",
      linreg: "(λ₁ + … + λₖ) / Σλⱼ",
      ridge: `1 − [Σ ${SHRUNK} to k + λₖ₊₁ + …] / Σλⱼ`,
    },
  };
  const ANGLES = {
    "cka-angular-score": "1 − (2/π) arccos CKA",
    "procrustes-angular-score": "1 − (2/π) arccos NBS",
  };

  explore.compute.theory = scores;
  explore.define("theory", (box) => {
    const change = explore.choice("change", "Change", CHANGES);
    const pc = explore.slider("pc", "PC i, or k", { min: 1, max: PCS, step: 1, digits: 0 });
    const angle = explore.slider("angle", "Angle θ (°)", { max: 180, step: 5, digits: 0 });
    const scale = explore.slider("scale", "Factor a", { max: 2, step: 0.05 });
    const penalty = explore.slider("penalty", "Ridge penalty α", {
      max: 0.1,
      step: 0.005,
      digits: 3,
    });
    const spectra = explore.spectra();
    const drawing = explore.picture("Each score against the PC that is changed", 360, 220);
    drawing.classList.add("explorable-wide");
    const rows = html("table", { class: "explorable-scores" });
    const words = html("p");
    let axes;

    const draw = (state) => {
      spectra.sync(state);
      angle.element.hidden = state.change !== "rotated";
      scale.element.hidden = state.change !== "rescaled";
      const all = Array.from({ length: PCS }, (_, k) => scores(state, k + 1));
      const xName = state.change === "kept" ? "k" : "PC i";
      const frame = { x: [1, PCS], xName, yName: "Score with X", xTicks: [1, 10, 20, 30] };
      drawing.replaceChildren();
      axes = explore.axes(drawing, [32, 26, 318, 156], frame);
      for (const id of ORDER) {
        const line = all.map((one, k) => [axes.x(k + 1), axes.y(one[id])]);
        const look = { stroke: MEASURES[id].colour, class: "explorable-line" };
        drawing.append(svg("polyline", { points: explore.points(line), ...look }));
      }
      const x = axes.x(state.pc);
      const cursor = { x1: x, x2: x, y1: axes.y(0), y2: axes.y(1), class: "explorable-cursor" };
      drawing.append(svg("line", cursor));
      const now = all[state.pc - 1];
      rows.replaceChildren(
        ...ORDER.map((id) => {
          const { title, colour } = MEASURES[id];
          const dot = html("span", { style: `color: ${colour}`, "aria-hidden": "true" }, "● ");
          const equation = ANGLES[id] ?? EQUATIONS[state.change][id];
          const value = html("td", {}, number(now[id], 4));
          return html(
            "tr",
            {},
            html("th", { scope: "row" }, dot, title),
            value,
            html("td", {}, equation),
          );
        }),
      );
      const share = explore.data.spectra[explore.spectrumOf(state)][state.pc - 1];
      words.textContent =
        `PC ${state.pc} has ${number(100 * share, 2)}% of the variance of X, ` +
        "which is the unit of α.";
      const told = ORDER.map((id) => `${MEASURES[id].title} ${number(now[id], 3)}`);
      return `${words.textContent} ${told.join(", ")}.`;
    };

    const bottom = html("div", { class: "explorable-controls" });
    const own = [pc, change, angle, scale, penalty];
    bottom.append(...own.map(({ element }) => element), ...spectra.elements);
    box.append(drawing, words, rows, bottom);
    const start = { pc: 1, change: "replaced", angle: 45, scale: 0.5, penalty: 0.01 };
    const controls = [...own, ...spectra.controls];
    const panel = explore.panel(box, { ...start, ...spectra.defaults }, controls, draw);
    explore.drag(drawing, (x) => {
      panel.change({ pc: Math.round(Math.min(PCS, Math.max(1, axes.invert(x)))) });
    });
  });
})();
