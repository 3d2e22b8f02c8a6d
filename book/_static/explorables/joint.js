/* The exact range that one score leaves to another, as in simlib.exact_ranges. */
(() => {
  const { angular, fromAngular, number, data } = explore;
  const PLAIN = { "procrustes-angular-score": "nbs", "cka-angular-score": "cka" };
  const STATUS = { "cka nbs": ["proved", "conjectured"], "nbs cka": ["conjectured", "proved"] };
  const plain = (measure) => PLAIN[measure] ?? measure;

  const closed = {}; // ranges with R² by the name of the spectrum
  /* The lowest and the highest score on `other` where `given` is at a place of the slider: stored
     ones for CKA and NBS, which take seconds. */
  const range = (state, at = state.at) => {
    const { given, other } = state;
    const [name, { spectra, joint, exactRanges }] = [explore.spectrumOf(state), data];
    if (given !== "linreg" && other !== "linreg") {
      const stored = joint.ranges[name][given].map((ends) => ends[Math.round(100 * at)]);
      const ends = stored.map((end) => end * joint.unit);
      return PLAIN[other] ? ends : ends.map(fromAngular);
    }
    const shares = spectra.shares[name];
    closed[name] ??= exactRanges(shares, shares.length);
    const ends = closed[name](plain(given), plain(other), PLAIN[given] ? fromAngular(at) : at);
    return PLAIN[other] ? ends.map(angular) : ends;
  };

  const ORDER = ["cka", "cka-angular-score", "nbs", "procrustes-angular-score", "linreg"];
  const LEVELS = Array.from({ length: 101 }, (_, k) => k / 100);
  const OPTIONS = ORDER.map((id) => [id, data.measures[id].title]);

  explore.compute.joint = range;
  explore.makers.joint = (box) => {
    const spectra = explore.spectra();
    const given = explore.choice("given", "Given", OPTIONS);
    const other = explore.choice("other", "left open", OPTIONS, "procrustes-angular-score");
    const at = explore.slider("at", "at", { value: 0.9 });
    const swap = explore.button("Swap");
    const drawing = explore.picture("Scores that one Y can have", 360, 330, "explorable-square");

    const draw = (state) => {
      if (plain(state.given) === plain(state.other))
        state.other = plain(state.given) === "nbs" ? "cka" : "procrustes-angular-score";
      for (const one of other.input.options) one.disabled = plain(one.value) === plain(state.given);
      spectra.sync(state);
      const pair = `${plain(state.given)} ${plain(state.other)}`;
      const known = STATUS[pair] ?? ["proved", "proved"];
      const [xName, yName] = [state.given, state.other].map((id) => data.measures[id].title);
      const axes = explore.axes(drawing, [40, 26, 300, 260], { xName, yName, slider: at });
      const ends = LEVELS.map((level) => range(state, level));
      const lines = [0, 1].map((k) => ends.map((pair, i) => [LEVELS[i], pair[k]]));
      const region = [...lines[0], ...lines[1].toReversed()];
      axes.line(region, { class: "explorable-region" }, "polygon");
      for (const k of [0, 1])
        axes.line(lines[k], { class: `explorable-line explorable-${known[k]}` });
      axes.upright(state.at);
      const [low, high] = range(state);
      const bar = [low, high].map((end) => [state.at, end]);
      axes.line(bar, { class: "explorable-bar", stroke: data.measures[state.other].colour });
      return (
        `${xName} at ${number(state.at)} leaves ${yName} from ${number(low, 3, "down")} ` +
        `(${known[0]}) to ${number(high, 3, "up")} (${known[1]}).`
      );
    };

    const below = [given, at, other, swap, ...spectra.controls];
    const { state, change } = explore.panel(box, [drawing], below, draw);
    swap.addEventListener("click", () => change({ given: state.other, other: state.given }));
  };
})();
