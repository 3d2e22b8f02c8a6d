/* What each score is after a change of one principal component (PC), as in simlib.theory. */
(() => {
  const { angular, number, html, slider, choice, data } = explore;
  const CHANGES = [
    ["replaced", "PC i is replaced"],
    ["rotated", "PC i is rotated"],
    ["rescaled", "PC i is rescaled"],
    ["kept", "The first k PCs are kept"],
  ];
  const PCS = 30; // every spectrum has as many

  /* CKA, NBS, linear and ridge R² once PC i is turned away from X, wholly where it is replaced, or
     rescaled: `f` is the share of the PC's variance, `g` that of its square. */
  const rotated = ({ f, g, variance, shrunk }, degrees) => {
    const cosine = Math.cos((degrees * Math.PI) / 180);
    const [kept, lost] = [cosine ** 2, 1 - cosine ** 2];
    const ridge = lost * variance + kept * shrunk(variance);
    return [1 - g * lost, 1 - f * (1 - Math.abs(cosine)), 1 - f * lost, ridge];
  };
  const rescaled = ({ f, g, variance, penalty }, scale) => {
    const [size, square] = [Math.abs(scale), scale ** 2];
    const left = square * variance + penalty;
    return [
      (1 - g + square * g) / Math.sqrt(1 - g + square ** 2 * g),
      (1 - f + size * f) / Math.sqrt(1 - f + square * f),
      scale === 0 ? 1 - f : 1,
      variance * (left > 0 ? penalty / left : 1) ** 2,
    ];
  };
  const sum = (values) => values.reduce((total, value) => total + value, 0);
  const sharesOf = (state) => data.spectra.shares[explore.spectrumOf(state)];
  const scores = (state, pc = state.pc) => {
    const [shares, { change, penalty, angle, scale }] = [sharesOf(state), state];
    const shrunk = (variance) => variance * (penalty / (variance + penalty)) ** 2;
    const variance = shares[pc - 1];
    const squares = sum(shares.map((share) => share ** 2));
    const one = { f: variance, g: variance ** 2 / squares, variance, penalty, shrunk };
    let [cka, nbs, linreg, lost] = [0, 0, 0, 0];
    if (change === "kept") {
      const kept = shares.slice(0, pc);
      linreg = sum(kept);
      [cka, nbs] = [Math.sqrt(sum(kept.map((share) => share ** 2)) / squares), Math.sqrt(linreg)];
      lost = sum(kept.map(shrunk)) + sum(shares.slice(pc));
    } else {
      const degrees = change === "replaced" ? 90 : angle;
      const after = change === "rescaled" ? rescaled(one, scale) : rotated(one, degrees);
      [cka, nbs, linreg, lost] = after;
      lost += sum(shares.map(shrunk)) - shrunk(variance);
    }
    const angles = { "cka-angular-score": angular(cka), "procrustes-angular-score": angular(nbs) };
    return { cka, nbs, linreg, ridge: 1 - lost, ...angles };
  };

  explore.compute.theory = scores;
  explore.makers.theory = (box) => {
    const pc = slider("pc", "PC i, or k", { min: 1, max: PCS, step: 1, value: 1, digits: 0 });
    const change = choice("change", "Change", CHANGES);
    const angle = slider("angle", "Angle θ (°)", { max: 180, step: 5, value: 45, digits: 0 });
    const scale = slider("scale", "Factor a", { max: 2, step: 0.05, value: 0.5 });
    const strength = { max: 0.1, step: 0.005, value: 0.01, digits: 3 };
    const penalty = slider("penalty", "Ridge penalty α", strength);
    const spectra = explore.spectra();
    const name = "Each score against the PC that is changed";
    const drawing = explore.picture(name, 360, 220, "explorable-wide");
    const table = box.querySelector("table"); // the page's: a measure's equations by change
    for (const row of table.rows) {
      const style = `color: ${data.measures[row.dataset.measure].colour}`;
      row.cells[0].prepend(html("span", { style, "aria-hidden": "true" }, "● "));
    }

    const draw = (state) => {
      spectra.sync(state);
      angle.element.hidden = state.change !== "rotated";
      scale.element.hidden = state.change !== "rescaled";
      const all = Array.from({ length: PCS }, (_, k) => scores(state, k + 1));
      const xName = state.change === "kept" ? "k" : "PC i";
      const frame = { x: [1, PCS], xName, yName: "Score with X", xTicks: [1, 10, 20, 30] };
      const axes = explore.axes(drawing, [32, 26, 318, 156], { ...frame, slider: pc });
      axes.upright(state.pc);
      const told = Array.from(table.rows, (row) => {
        const { measure } = row.dataset;
        const { title, colour } = data.measures[measure];
        const line = all.map((one, k) => [k + 1, one[measure]]);
        axes.line(line, { stroke: colour });
        const [, shown, ...equations] = row.cells;
        shown.textContent = number(all[state.pc - 1][measure], 4);
        for (const one of equations)
          one.hidden = ![undefined, state.change].includes(one.dataset.change);
        return `${title} ${number(all[state.pc - 1][measure], 3)}`;
      });
      const share = number(100 * sharesOf(state)[state.pc - 1]);
      const said = `PC ${state.pc} has ${share}% of the variance of X, which is the unit of α.`;
      return [said, `${told.join(", ")}.`]; // the scores are seen in the table
    };

    const below = [pc, change, angle, scale, penalty, ...spectra.controls];
    explore.panel(box, [drawing, table], below, draw);
  };
})();
