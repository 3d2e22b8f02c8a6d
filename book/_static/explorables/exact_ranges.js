/* What one score leaves open about another, for shares l of X's variance (largest first) and a Y of
   q columns: as simlib.exact_ranges, whose docstrings and page say what is proved. Of the least CKA
   the first kind alone. A function of its own: its text also starts a worker. */
explore.data.exactRanges = function exactRanges(l, q) {
  const p = l.length;
  const norm = Math.hypot(...l);
  const sizes = l.map(Math.sqrt);
  const sum = (values) => values.reduce((a, b) => a + b, 0);
  const spaced = (a, b, count) =>
    Array.from({ length: count }, (_, i) => a + (i * (b - a)) / Math.max(count - 1, 1));
  const powers = (a, b, count) => spaced(Math.log(a), Math.log(b), count).map(Math.exp);

  /* A root between a and b by Chandrupatla's method; NaN where the signs there agree. */
  function root(f, a, b) {
    let [fa, fb, t] = [f(a), f(b), 0.5];
    if (!(fa * fb <= 0)) return Number.NaN;
    for (let least = 0; fa !== 0 && fb !== 0 && least < 0.5; ) {
      const x = a + t * (b - a);
      const fx = f(x);
      const [c, fc] = fx * fa > 0 ? [a, fa] : [b, fb];
      if (fx * fa <= 0) [b, fb] = [a, fa];
      [a, fa] = [x, fx];
      const [xi, phi] = [(a - b) / (c - b), (fa - fb) / (fc - fb)];
      const inside = phi ** 2 < xi && (1 - phi) ** 2 < 1 - xi;
      const near = (fa / (fb - fa)) * (fc / (fb - fc));
      const far = (fa / (fc - fa)) * (fb / (fc - fb)) * ((c - a) / (b - a));
      least = (2 ** -52 * Math.abs(a) + 1e-300) / Math.abs(b - a);
      t = inside ? Math.min(1 - least, Math.max(least, near + far)) : 0.5;
    }
    return Math.abs(fa) < Math.abs(fb) ? a : b;
  }
  /* The state between a and b in which what is asked of it is 0. */
  const solved = (state, a, b, asked = ({ off }) => off) =>
    state(root((x) => asked(state(x)), a, b));

  /* The cubic x^3 - (w + share) x + pull sqrt(share) / 2: its larger and its smaller
     positive root. */
  function large(share, w, pull) {
    const size = Math.sqrt((w + share) / 3);
    const cosine = (-pull * Math.sqrt(share)) / (4 * size ** 3);
    return 2 * size * Math.cos(Math.acos(Math.max(-1, cosine)) / 3);
  }
  function small(share, w, pull) {
    const [size, x] = [Math.sqrt((w + share) / 3), large(share, w, pull)];
    // The product of all three roots; the third is -(x + small).
    const third = Math.sqrt(Math.max(4 * (w + share) - 3 * x * x, 0));
    return Math.min((pull * Math.sqrt(share)) / (x * (x + third)), size);
  }

  /* NBS and CKA of copies x of PCs beside (T, F, s, N^2); `off` is w T = pull F / 2, over w. */
  function scores(x, [T, F, s, N], w, pull) {
    for (let i = 0; i < x.length; i++) {
      const square = x[i] * x[i];
      T += square;
      F += x[i] * sizes[i];
      s += square * l[i];
      N += square * square;
    }
    return { nbs: F / Math.sqrt(T), cka: s / (norm * Math.sqrt(N)), off: T - (pull * F) / (2 * w) };
  }

  // -- The most CKA for an NBS, the least NBS for a CKA

  function copied(k, w, pull, partial, last) {
    const x = new Float64Array(k).map((_, i) =>
      last && i === k - 1 ? last : large(l[i], w, pull),
    );
    const part = partial ? pull / 2 : 0;
    return scores(x, [(q - k) * w, part, part ** 2, (q - k) * w ** 2], w, pull);
  }

  /* The piece of k full copies and perhaps a partial one: places along it, and the scores there. */
  function piece(k, partial) {
    const share = l[k - 1];
    const part = (place, w) => copied(k, w, 2 * place * Math.sqrt(l[k] * w), true);
    const turned = (place, w) => {
      const size = Math.sqrt((w + share) / 3);
      const pull = (4 * size ** 3 * Math.sin(place)) / Math.sqrt(share);
      return copied(k, w, pull, false, 2 * size * Math.cos((Math.PI / 2 + place) / 3));
    };
    const [state, top, places] = partial
      ? [part, 8 * l[0], [1 - 1e-9, ...spaced(0.99, 0.78, 8), ...powers(0.7, 3e-3, 12), 1e-6]]
      : [turned, 2 * share, [...powers(1e-9, 0.1, 10), ...spaced(0.2, 2.9, 28)]];
    const ends = [1e-14 * share, top].map(Math.log);
    const at = (place) => solved((log) => state(place, Math.exp(log)), ...ends);
    return { places, at, seen: places.map(at) };
  }

  function oneCopy(given, level) {
    let squared = level ** 2;
    if (given === "cka") {
      const over = Math.sqrt((q - 1) * Math.max((l[0] / (level * norm)) ** 2 - 1, 0));
      const partly = (level * norm) / Math.sqrt(q);
      squared = partly <= l[0] / q ? partly : level * norm <= l[0] ? l[0] / (1 + over) : Number.NaN;
    }
    if (!(squared <= l[0])) return { nbs: Number.NaN, cka: Number.NaN };
    const y = Math.max(squared / l[0], 1 / q);
    const cka = squared / (norm * Math.sqrt(y ** 2 + (1 - y) ** 2 / Math.max(q - 1, 1)));
    return { nbs: Math.sqrt(squared), cka };
  }

  const pieces = {};
  function onPiece(k, partial, given, other, level) {
    const whole = l.slice(0, k + partial); // as many whole copies have the most of both scores
    const most = given === "cka" ? Math.hypot(...whole) / norm : Math.sqrt(sum(whole));
    if (most < level) return Number.NaN;
    pieces[[k, partial]] ??= piece(k, partial);
    const { places, at, seen } = pieces[[k, partial]];
    const i = seen.findIndex((one, j) => one[given] >= level && seen[j + 1]?.[given] <= level);
    if (i < 0) return Number.NaN;
    const best = solved(at, places[i], places[i + 1], (one) => one[given] - level);
    return Math.abs(best[given] - level) < 1e-10 ? best[other] : Number.NaN;
  }

  /* The best over k: no k beyond 1.25 times the best so far and 24 is tried. */
  function most(given, other, level) {
    let [best, at] = [oneCopy(given, level)[other], 1];
    for (let k = 1; k < Math.min(q, p + 1, 1.25 * at + 24); k++) {
      for (const partial of [0, 1].slice(+(k === 1), k < p ? 2 : 1)) {
        const found = onPiece(k, partial, given, other, level);
        if (!(best >= 0) || (other === "cka" ? found > best : found < best))
          [best, at] = [found, k];
      }
    }
    return best;
  }

  // -- The least CKA for an NBS, the most NBS for a CKA, by its curve of the first kind

  function spiked([w, ratio]) {
    const pull = 2 * ratio * w;
    const turns = [pull / 2 > Math.sqrt(l[p - 1] * w)];
    for (let i = p - 2; i >= 0; i--) {
      const product = l[i] * l[i + 1];
      const half = Math.max(w / 2, Math.sqrt(product));
      const large = half + Math.sqrt(Math.max(half ** 2 - product, 0));
      const [a, b] = [Math.sqrt(l[i] * large), Math.sqrt((l[i + 1] * product) / large)];
      const [c, d] = [Math.sqrt(l[i + 1] * large), Math.sqrt((l[i] * product) / large)];
      turns.push(pull / 2 > c + d, pull / 2 > a + b);
    }
    const number = turns.filter(Boolean).length;
    const [first, pair] = [p - 1 - Math.floor(number / 2), number % 2 === 0];
    const x = l.map((share) => small(share, w, pull));
    x[first] = pair ? 0 : large(l[first], w, pull);
    if (pair && first + 1 < p) x[first + 1] = 0;
    const twice = 2 * l[first] * (l[first + 1] ?? 0);
    const turned = pair ? [w, pull / 2, pull ** 2 / 4 - twice, w ** 2 - twice] : [0, 0, 0, 0];
    return scores(x, turned, w, pull);
  }

  function onCurve(place) {
    const state = (log) => [Math.exp(log), -Math.expm1(Math.min(log / 2 - place, 0))];
    const off = (log) => spiked(state(log)).off / Math.exp(log);
    const [low, high] = [1e-30, 1e6].map((end) => Math.min(2 * place, Math.log(end)));
    return state(root(off, low - 10, high));
  }

  const stretches = [];
  if (p > 1) {
    const gap = l[0] - l[1];
    const secular = (part) => sum(l.map((one) => one ** 2 / (one - (l[1] + part * gap))));
    const top =
      gap > 1e-9 * l[0]
        ? Math.max(l[0] + l[1], 2 * (l[1] + gap * root(secular, 1e-12, 1 - 1e-12)))
        : 2 * l[0];
    const turns = top === l[0] + l[1] && gap > 0;
    const start = (t) => l[0] * l[1] * (t + 1 / t) - (l[0] * t) ** 2 - (l[1] / t) ** 2;
    const t = turns ? root(start, Math.sqrt(l[1] / l[0]), 1) : 0;
    const turn = turns ? l[0] * t + l[1] / t : top;
    const last = Math.log(turn) / 2 - Math.log(1e-8);
    const [end, ratio] = onCurve(last);
    const line = (part) => [end + part * (turn - end), ratio + part * (1 - ratio)];
    stretches.push([onCurve, Math.log(1e-30) / 2, last], [line, 0, 1]);
    if (turns) stretches.push([(part) => [turn + part * (top - turn), 1], 0, 1]);
  }

  function least(given, other, level) {
    if (p === 1) return given === "cka" ? Math.sqrt(level) : level ** 2;
    for (const [stretch, first, last] of stretches) {
      const at = (place) => spiked(stretch(place));
      const best = solved(at, first, last, (one) => one[given] - level);
      if (best[given] >= 0) return best[other];
    }
    return Number.NaN;
  }

  // -- Pairs with the R^2 of linear regression, for any q

  const [before, all] = [q - 1, q].map((count) => sum(l.slice(0, count)));

  function withR2(given, other, level) {
    if (given === "linreg") {
      const low = Math.max(level - before, 0);
      let left = level;
      const filled = l.map((share) => {
        left -= share;
        return Math.max(Math.min(share, left + share), 0);
      });
      const high = other === "cka" ? Math.hypot(...filled) / norm : Math.sqrt(level);
      return level <= all + 1e-12 ? [other === "cka" ? low / norm : Math.sqrt(low), high] : [];
    }
    const high =
      level > 1e-12 ? Math.min((given === "cka" ? level * norm : level ** 2) + before, all) : 0;
    if (given === "nbs") return level ** 2 <= all + 1e-12 ? [level ** 2, high] : [];
    let [left, low] = [(level * norm) ** 2, 0];
    for (const share of l.slice(0, q)) {
      low += Math.min(share, Math.sqrt(Math.max(left, 0)));
      left -= share ** 2;
    }
    return left <= 1e-12 ? [Math.min(low, high), high] : [];
  }

  /* Lowest and highest of `other` ("cka", "nbs", "linreg") where `given` is `level`; empty where
     no Y has it, or the range isn't known: of CKA and NBS for fewer columns than PCs. */
  return (given, other, level) => {
    const known = Math.min(1, Math.max(0, level));
    if (given === "linreg" || other === "linreg") return withR2(given, other, known);
    if (q < p) return [];
    if (known < 1e-9 || known > 1 - 1e-9) return [Math.round(known), Math.round(known)];
    const ends = [least(given, other, known), most(given, other, known)];
    return ends.sort((a, b) => a - b);
  };
};
