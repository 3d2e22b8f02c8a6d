/* Ascents frame by frame: one score moves where Y lies, what is decoded from it and R² by PC. */
(() => {
  const { number, html, svg } = explore;
  const MEASURES = explore.data.measures;
  const GROUPS = ["#7A4FD0", "#8A9A00"]; // hues that no measure has
  const CHOICES = ["cka", "nbs", "procrustes-angular-score", "ridge", "linreg"];
  const OPTIONS = CHOICES.map((id) => [id, MEASURES[id].title]);
  const HALF = 115; // of a panel, in hundredths of X's extent

  /* The frame whose score is nearest to that of the slider. */
  const frameAt = (dataset, measure, score) =>
    explore.data.player[dataset].ascents[measure].reduce((best, frame) =>
      Math.abs(frame.score - score) < Math.abs(best.score - score) ? frame : best,
    );

  /* Trials as lines through their time bins, or as dots where there is one bin. */
  const trials = ({ group, times }, places, kind) =>
    group.map((one, trial) => {
      const line = Array.from({ length: times }, (_, t) => {
        const at = 2 * (trial * times + t);
        return [places[at], -places[at + 1]];
      });
      const look = kind === "y" ? { stroke: GROUPS[one % 2], fill: GROUPS[one % 2] } : {};
      if (times > 1) {
        const drawn = { ...look, fill: "none", points: explore.points(line) };
        return svg("polyline", { ...drawn, class: `explorable-trial explorable-${kind}` });
      }
      const [[cx, cy]] = line;
      return svg("circle", { ...look, cx, cy, r: 3, class: `explorable-dot explorable-${kind}` });
    });
  const bars = (drawing, { r2 }, colour) => {
    const count = r2.length;
    const xTicks = count > 4 ? [1, Math.ceil(count / 2), count] : [1, count];
    const options = { x: [0.4, count + 0.6], xName: "PC of X", yName: "R²", xTicks };
    const axes = explore.axes(drawing, [26, 22, 120, 52], options);
    r2.forEach((value, k) => {
      const corners = [0.65, 1.35].map((side) => [k + side, Math.max(0, value)]);
      axes.line([...corners, [k + 1.35, 0], [k + 0.65, 0]], { class: "", fill: colour }, "polygon");
    });
  };
  const curves = (drawing, data, state, slider) => {
    const all = CHOICES.flatMap((id) => data.ascents[id].map(({ accuracy }) => accuracy));
    const names = { xName: "score", yName: `Accuracy of ${data.variable}`, slider };
    const lowest = Math.min(data.chance, ...all);
    const axes = explore.axes(drawing, [32, 26, 322, 128], { ...names, lowest });
    axes.level(data.accuracy);
    axes.level(data.chance);
    axes.text("X itself", axes.x(0) + 4, axes.y(data.accuracy) + 14, "start");
    axes.text("chance", axes.x(1), axes.y(data.chance) - 4, "end");
    for (const measure of [state.first, state.second]) {
      const { colour } = MEASURES[measure];
      const line = data.ascents[measure].map(({ score, accuracy }) => [score, accuracy]);
      axes.line(line, { stroke: colour });
      const { score, accuracy } = frameAt(state.dataset, measure, state.at);
      axes.dots([[score, accuracy]], { r: 5, fill: colour });
    }
    axes.upright(state.at);
  };

  explore.compute.player = frameAt;
  explore.makers.player = (box) => {
    const titles = Object.entries(explore.data.player).map(([id, { title }]) => [id, title]);
    const at = explore.slider("at", "Score", { value: 0.9 });
    const dataset = explore.choice("dataset", "Dataset", titles);
    const first = explore.choice("first", "Left", OPTIONS);
    const second = explore.choice("second", "Right", OPTIONS, "procrustes-angular-score");
    const panels = ["first", "second"].map((side) => {
      const title = html("p", { class: "explorable-title" });
      const where = explore.picture("Y over X in the plane of the first two PCs of X", 1, 1);
      where.setAttribute("viewBox", `${-HALF} ${-0.8 * HALF} ${2 * HALF} ${1.6 * HALF}`);
      const r2 = explore.picture("R² by PC", 150, 112, "explorable-bars");
      const element = html("div", {}, title, where, r2);
      return { side, title, where, r2, element };
    });
    const both = html("div", { class: "explorable-panels" }, ...panels.map((one) => one.element));
    const accuracy = explore.picture("Accuracy against score", 360, 190, "explorable-wide");
    const key = html("p", { class: "explorable-key" });

    const draw = (state) => {
      const data = explore.data.player[state.dataset];
      key.replaceChildren("X in grey; Y, turned onto X and at X's size, in colour: ");
      data.classes.forEach((name, k) => {
        const dot = html("span", { style: `color: ${GROUPS[k % 2]}`, "aria-hidden": "true" }, "●");
        key.append(dot, ` ${data.variable} ${name} `);
      });
      curves(accuracy, data, state, at);
      const told = panels.map(({ side, title, where, r2 }) => {
        const frame = frameAt(state.dataset, state[side], state.at);
        const { title: measure, colour } = MEASURES[state[side]];
        title.textContent = `${measure} ${number(frame.score)}`;
        const drawn = [trials(data, data.points, "x"), trials(data, frame.points, "y")];
        where.replaceChildren(...drawn.flat());
        bars(r2, frame, colour);
        return (
          `${title.textContent} (step ${frame.step}): ${data.variable} decoded in ` +
          `${Math.round(100 * frame.accuracy)}%; ` +
          `R² of PC1 ${number(frame.r2[0])}, PC2 ${number(frame.r2[1])}.`
        );
      });
      return told.join(" ");
    };

    const below = [explore.player(at), at, dataset, first, second];
    explore.panel(box, [key, both, accuracy], below, draw);
  };
})();
