/* Ascents frame by frame: one score moves where Y lies, what is decoded from it and R² by PC. */
(() => {
  const { number, MEASURES, html, svg } = explore;
  const GROUPS = ["#7A4FD0", "#8A9A00"]; // hues that no measure has
  const CHOICES = ["cka", "nbs", "procrustes-angular-score", "ridge", "linreg"];
  const OPTIONS = CHOICES.map((id) => [id, MEASURES[id].title]);
  const SIDES = ["first", "second"];
  const HALF = 115; // of a panel, in hundredths of X's extent

  /* The frame whose score is nearest to that of the slider. */
  const frameAt = (dataset, measure, score) =>
    explore.data.player[dataset].ascents[measure].reduce((best, frame) =>
      Math.abs(frame.score - score) < Math.abs(best.score - score) ? frame : best,
    );
  const percent = (value) => `${Math.round(100 * value)}%`;
  const said = (measure, { score, step, accuracy, r2 }, variable) =>
    `${MEASURES[measure].title} ${number(score)} (step ${step}): ${variable} decoded in ` +
    `${percent(accuracy)}; R² of PC1 ${number(r2[0])}, PC2 ${number(r2[1])}.`;

  /* Trials as lines through their time bins, or as dots where there is one bin. */
  const trials = (data, places, kind) => {
    const size = 2 * data.times;
    return data.group.map((group, trial) => {
      const own = places.slice(trial * size, (trial + 1) * size);
      const line = Array.from({ length: data.times }, (_, t) => [own[2 * t], -own[2 * t + 1]]);
      const look = kind === "y" ? { stroke: GROUPS[group % 2], fill: GROUPS[group % 2] } : {};
      if (data.times > 1) {
        const drawn = { ...look, fill: "none", points: explore.points(line) };
        return svg("polyline", { ...drawn, class: `explorable-trial explorable-${kind}` });
      }
      const [[cx, cy]] = line;
      return svg("circle", { ...look, cx, cy, r: 3, class: `explorable-dot explorable-${kind}` });
    });
  };
  const plane = (drawing, data, frame) => {
    drawing.setAttribute("viewBox", `${-HALF} ${-0.8 * HALF} ${2 * HALF} ${1.6 * HALF}`);
    drawing.replaceChildren(...trials(data, data.points, "x"), ...trials(data, frame.points, "y"));
  };
  const bars = (drawing, frame, colour) => {
    drawing.replaceChildren();
    const count = frame.r2.length;
    const place = [26, 22, 120, 52];
    const every = count > 4 ? [1, Math.ceil(count / 2), count] : [1, count];
    const options = { x: [0.4, count + 0.6], xName: "PC of X", yName: "R²", xTicks: every };
    const axes = explore.axes(drawing, place, { ...options, yTicks: [0, 1] });
    const width = (0.7 * 120) / (count + 0.2);
    frame.r2.forEach((value, k) => {
      const [x, y] = [axes.x(k + 1) - width / 2, axes.y(Math.max(0, value))];
      drawing.append(svg("rect", { x, y, width, height: axes.y(0) - y, fill: colour }));
    });
  };
  const curves = (drawing, data, state) => {
    drawing.replaceChildren();
    const names = { xName: "score", yName: `Accuracy of ${data.variable}` };
    const least = Math.min(
      data.chance,
      ...CHOICES.flatMap((id) => data.ascents[id].map(({ accuracy }) => accuracy)),
    );
    const y = [Math.floor(10 * least) / 10, 1];
    const axes = explore.axes(drawing, [32, 26, 322, 128], { ...names, y, yTicks: [y[0], 1] });
    const across = (value, kind, attributes) => {
      const [x1, x2, height] = [axes.x(0), axes.x(1), axes.y(value)];
      drawing.append(svg("line", { x1, x2, y1: height, y2: height, class: "explorable-cursor" }));
      drawing.append(svg("text", { ...attributes, class: "explorable-text" }, kind));
    };
    across(data.accuracy, "X itself", { x: axes.x(0) + 4, y: axes.y(data.accuracy) + 14 });
    const low = { x: axes.x(1), y: axes.y(data.chance) - 4, "text-anchor": "end" };
    across(data.chance, "chance", low);
    for (const side of SIDES) {
      const measure = state[side];
      const line = data.ascents[measure].map((f) => [axes.x(f.score), axes.y(f.accuracy)]);
      const stroke = MEASURES[measure].colour;
      const look = { stroke, class: "explorable-line" };
      drawing.append(svg("polyline", { points: explore.points(line), ...look }));
      const { score, accuracy } = frameAt(state.dataset, measure, state.at);
      const [cx, cy] = [axes.x(score), axes.y(accuracy)];
      drawing.append(svg("circle", { cx, cy, r: 5, fill: stroke }));
    }
    const x = axes.x(state.at);
    const cursor = { x1: x, x2: x, y1: axes.y(y[0]), y2: axes.y(1), class: "explorable-cursor" };
    drawing.append(svg("line", cursor));
    return axes;
  };

  explore.compute.player = frameAt;
  explore.define("player", (box) => {
    const sets = Object.entries(explore.data.player);
    const titles = sets.map(([id, { title }]) => [id, title]);
    const dataset = explore.choice("dataset", "Dataset", titles);
    const measures = SIDES.map((side) =>
      explore.choice(side, side === "first" ? "Left" : "Right", OPTIONS),
    );
    const at = explore.slider("at", "Score");
    const panels = SIDES.map(() => {
      const title = html("p", { class: "explorable-title" });
      const where = explore.picture("Y over X in the plane of the first two PCs of X", 1, 1);
      const r2 = explore.picture("R² by PC", 150, 112, "explorable-bars");
      return { title, where, r2, element: html("div", {}, title, where, r2) };
    });
    const accuracy = explore.picture("Accuracy against score", 360, 190, "explorable-wide");
    const key = html("p", { class: "explorable-key" });
    const words = SIDES.map(() => html("p"));
    let axes;

    const draw = (state) => {
      const data = explore.data.player[state.dataset];
      key.replaceChildren("X in grey; Y, turned onto X and at X's size, in colour: ");
      data.classes.forEach((name, k) => {
        const dot = html("span", { style: `color: ${GROUPS[k % 2]}`, "aria-hidden": "true" }, "●");
        key.append(dot, ` ${data.variable} ${name} `);
      });
      SIDES.forEach((side, k) => {
        const measure = state[side];
        const frame = frameAt(state.dataset, measure, state.at);
        const { title, where, r2 } = panels[k];
        title.textContent = `${MEASURES[measure].title} ${number(frame.score)}`;
        plane(where, data, frame);
        bars(r2, frame, MEASURES[measure].colour);
        words[k].textContent = said(measure, frame, data.variable);
      });
      axes = curves(accuracy, data, state);
      return words.map((one) => one.textContent).join(" ");
    };

    const start = { at: 0.9, dataset: sets[0][0] };
    const defaults = { ...start, first: "cka", second: "procrustes-angular-score" };
    const bottom = html("div", { class: "explorable-controls" });
    const both = html("div", { class: "explorable-panels" });
    both.append(...panels.map(({ element }) => element));
    box.append(key, both, accuracy, ...words, bottom);
    const panel = explore.panel(box, defaults, [at, dataset, ...measures], draw);
    const { button, stop } = explore.player(at, panel.change, 10);
    bottom.append(button, at.element, dataset.element, ...measures.map(({ element }) => element));
    explore.drag(accuracy, (x) => {
      stop();
      const place = Math.min(1, Math.max(0, axes.invert(x)));
      panel.change({ at: Math.round(100 * place) / 100 });
    });
  });
})();
