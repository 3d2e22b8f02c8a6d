/* The exact range that one score leaves to another, as in simlib.exact_ranges. */
(() => {
  const { angular, fromAngular, number, MEASURES, html, svg } = explore;
  const PLAIN = { "procrustes-angular-score": "nbs", "cka-angular-score": "cka" };
  const PAIR = ["proved", "proved"];
  const STATUS = { "cka nbs": ["proved", "conjectured"], "nbs cka": ["conjectured", "proved"] };
  const NOUGHT = 1e-12;
  const plain = (measure) => PLAIN[measure] ?? measure;
  const status = (given, other) => STATUS[`${plain(given)} ${plain(other)}`] ?? PAIR;

  /* Closed forms of the pairs with linear regression, Y of as many columns as X has PCs. */
  const WITH_R2 = {
    "linreg nbs": (r, { before }) => [Math.sqrt(Math.max(r - before, 0)), Math.sqrt(r)],
    "nbs linreg": (f, { before }) => [f * f, f > NOUGHT ? Math.min(f * f + before, 1) : 0],
    "linreg cka": (r, { shares, before, norm }) => {
      let [left, squares] = [r, 0];
      for (const share of shares) {
        const filled = Math.min(share, Math.max(left, 0));
        squares += filled * filled;
        left -= share;
      }
      return [Math.max(r - before, 0) / norm, Math.sqrt(squares) / norm];
    },
    "cka linreg": (c, { shares, before, norm }) => {
      let [left, low] = [(c * norm) ** 2, 0];
      for (const share of shares) {
        low += Math.min(share, Math.sqrt(Math.max(left, 0)));
        left -= share * share;
      }
      const high = c > NOUGHT ? Math.min(c * norm + before, 1) : 0;
      return [Math.min(low, high), high];
    },
  };
  const settings = new Map();
  const setting = (spectrum) => {
    if (!settings.has(spectrum)) {
      const shares = explore.data.spectra[spectrum];
      settings.set(spectrum, {
        shares,
        before: 1 - shares.at(-1),
        norm: Math.hypot(...shares),
      });
    }
    return settings.get(spectrum);
  };
  /* The lowest and the highest score on `other` where `given` is at a place of the slider. */
  const range = (state, at = state.at) => {
    const { given, other } = state;
    const closed = WITH_R2[`${plain(given)} ${plain(other)}`];
    if (closed) {
      const ends = closed(PLAIN[given] ? fromAngular(at) : at, setting(explore.spectrumOf(state)));
      return PLAIN[other] ? ends.map(angular) : ends;
    }
    const { unit, ranges } = explore.data.joint;
    const ends = ranges[explore.spectrumOf(state)][given].map(
      (line) => line[Math.round(100 * at)] * unit,
    );
    return PLAIN[other] ? ends : ends.map(fromAngular);
  };

  const ORDER = ["cka", "cka-angular-score", "nbs", "procrustes-angular-score", "linreg"];
  const OPTIONS = ORDER.map((id) => [id, MEASURES[id].title]);
  const LEVELS = Array.from({ length: 101 }, (_, k) => k / 100);

  const joint = (box) => {
    const spectra = explore.spectra();
    const given = explore.choice("given", "Given", OPTIONS);
    const other = explore.choice("other", "left open", OPTIONS);
    const at = explore.slider("at", "at");
    const swap = html("button", { type: "button", class: "sd-btn sd-btn-outline-primary" }, "Swap");
    const drawing = explore.picture(
      "The scores that one Y can have",
      360,
      330,
      "explorable-square",
    );
    const words = html("p");
    let axes;

    const draw = (state) => {
      if (plain(state.given) === plain(state.other))
        state.other = plain(state.given) === "nbs" ? "cka" : "procrustes-angular-score";
      other.show(state.other);
      for (const one of other.input.options) one.disabled = plain(one.value) === plain(state.given);
      spectra.sync(state);
      const known = status(state.given, state.other);
      const titles = [state.given, state.other].map((id) => MEASURES[id].title);
      drawing.replaceChildren();
      const frame = { xName: titles[0], yName: titles[1] };
      axes = explore.axes(drawing, [40, 26, 300, 260], frame);
      const ends = LEVELS.map((level) => range(state, level));
      const lines = [0, 1].map((k) =>
        LEVELS.map((level, i) => [axes.x(level), axes.y(ends[i][k])]),
      );
      const whole = explore.points([...lines[0], ...lines[1].toReversed()]);
      drawing.append(svg("polygon", { points: whole, class: "explorable-region" }));
      lines.forEach((line, k) => {
        const kind = `explorable-line explorable-${known[k]}`;
        drawing.append(svg("polyline", { points: explore.points(line), class: kind }));
      });
      const [low, high] = range(state);
      const [x, colour] = [axes.x(state.at), MEASURES[state.other].colour];
      const bar = { x1: x, x2: x, y1: axes.y(low), y2: axes.y(high), stroke: colour };
      drawing.append(
        svg("line", { x1: x, x2: x, y1: axes.y(0), y2: axes.y(1), class: "explorable-cursor" }),
        svg("line", { ...bar, class: "explorable-bar" }),
      );
      words.textContent =
        `${titles[0]} at ${number(state.at)} leaves ${titles[1]} ` +
        `from ${number(low, 3, "down")} (${known[0]}) to ${number(high, 3, "up")} (${known[1]}).`;
      return words.textContent;
    };

    box.append(drawing, words);
    const controls = [at, given, other, ...spectra.controls];
    const bottom = html("div", { class: "explorable-controls" });
    bottom.append(given.element, at.element, other.element, swap, ...spectra.elements);
    box.append(bottom);
    const start = { at: 0.9, given: "cka", other: "procrustes-angular-score" };
    const defaults = { ...start, ...spectra.defaults };
    const panel = explore.panel(box, defaults, controls, draw);
    swap.addEventListener("click", () => {
      panel.change({ given: panel.state.other, other: panel.state.given });
    });
    explore.drag(drawing, (x) => {
      const place = Math.min(1, Math.max(0, axes.invert(x)));
      panel.change({ at: Math.round(100 * place) / 100 });
    });
  };
  explore.compute.joint = range;
  explore.define("joint", joint);
})();
