/* Published runs beside ours: accuracy by score, and the score at which each PC is captured. */
(() => {
  const { number, html } = explore;
  const { unit, runs, datasets: pairs } = explore.data.published;
  const datasets = Object.fromEntries(pairs);
  const read = (side = []) =>
    side.map((run) => run.map((value) => (value === null ? Number.NaN : value * unit)));
  const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;

  /* The published side and ours: each run's accuracies at the levels, and its scores by PC. */
  const sides = ({ dataset, variable, measure }) =>
    Object.entries({ published: measure, ours: runs[measure].measure }).map(([side, id]) => {
      const { accuracy, captures } = datasets[dataset][side];
      return { curves: read(accuracy[variable]?.[id]), scores: read(captures[id]) };
    });
  /* Of both sides at a score: mean accuracy, of how many runs, and the mean number of PCs captured. */
  const numbers = (state) =>
    sides(state).map(({ curves, scores }) => {
      const values = curves.map((run) => run[Math.round(100 * state.at)]).filter(Number.isFinite);
      const captured = scores.map((run) => run.filter((score) => score <= state.at).length);
      return { accuracy: mean(values), runs: values.length, captured: mean(captured) };
    });

  explore.compute.published = numbers;
  explore.makers.published = (box) => {
    const titled = (named) => Object.entries(named).map(([id, { title }]) => [id, title]);
    const all = Object.values(datasets);
    const variables = all.flatMap((one) => [one.main, ...Object.keys(one.published.accuracy)]);
    const at = explore.slider("at", "Score", { value: 0.9 });
    const dataset = explore.choice("dataset", "Dataset", titled(datasets));
    const named = [...new Set(variables)].map((name) => [name, name]);
    const variable = explore.choice("variable", "Variable", named);
    const measure = explore.choice("measure", "Measure", titled(runs));
    const names = ["Accuracy against score", "Score that captures each PC"];
    const drawings = names.map((name) => explore.picture(name, 270, 190));

    const draw = (state) => {
      const found = datasets[state.dataset];
      const { accuracy } = found.published;
      if (!accuracy[state.variable]) state.variable = found.main;
      const there = accuracy[state.variable];
      if (!there[state.measure]) [state.measure] = Object.keys(there);
      for (const one of variable.input.options) one.disabled = !accuracy[one.value];
      for (const one of measure.input.options) one.disabled = !there[one.value];
      const { measure: id, title } = runs[state.measure];
      const stroke = explore.data.measures[id].colour;
      const both = sides(state);
      const axes = (k, of, options) => {
        const all = both.flatMap((side) => side[of].flat()).filter(Number.isFinite);
        const lowest = Math.min(...all, 0.9);
        return explore.axes(drawings[k], [32, 26, 228, 122], { ...options, lowest });
      };
      const known = { xName: "score", yName: `Accuracy of ${state.variable}`, slider: at };
      const left = axes(0, "curves", known);
      const pcs = { x: [0.5, 20.5], xTicks: [1, 5, 10, 15, 20], xName: "PC of X" };
      const right = axes(1, "scores", { ...pcs, yName: "Score that captures it" });
      const placed = (run, first, step) => run.map((value, i) => [first + step * i, value]);
      for (const k of [1, 0]) {
        const look = { class: `explorable-${["published", "run"][k]}`, stroke, fill: stroke };
        for (const run of both[k].curves) left.line(placed(run, 0, 0.01), look);
        for (const run of both[k].scores) right.dots(placed(run, 1, 1), look);
      }
      left.upright(state.at);
      right.level(state.at);
      const [theirs, ours] = numbers(state);
      const gap = number(ours.accuracy - theirs.accuracy, 3);
      const from = `ours, from ${found.source} (mean of ${ours.runs} runs), difference ${gap}`;
      const mine = `, ${number(ours.accuracy, 3)} ${from}`;
      return (
        `${title} at ${number(state.at)}: accuracy of ${state.variable} ` +
        `${number(theirs.accuracy, 3)} published${ours.runs ? mine : "; no run of ours has it"}. ` +
        `Of the first 20 PCs ${number(theirs.captured, 0)} are captured by then as published` +
        `${ours.captured >= 0 ? `, ${number(ours.captured, 1)} in ours` : ""}.`
      );
    };

    const panels = html("div", { class: "explorable-panels" }, ...drawings);
    explore.panel(box, [panels], [at, dataset, variable, measure], draw);
  };
})();
