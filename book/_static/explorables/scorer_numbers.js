/* Scores of two arrays as simlib computes them, by the decompositions of ml-matrix. One function
   that needs nothing else: its text also starts the worker of scorer.js. A side is
   {name, shape, values}, shape (samples, neurons) or (time, trial, neuron). */
explore.data.scorerNumbers = function scorerNumbers({ Matrix, SVD }) {
  const [DOUBLE, SINGLE] = [2 ** -52, 2 ** -23]; // eps
  const sum = (values, of = (v) => v) => values.reduce((all, v, i) => all + of(v, i), 0);
  const unit = (largest) => 2 ** -(Math.floor(Math.log2(largest)) + 1);
  const angular = (cosine) => 1 - (2 / Math.PI) * Math.acos(cosine < 1 - 16 * DOUBLE ? cosine : 1);
  const options = { autoTranspose: true, computeRightSingularVectors: false };
  const svd = (M, computeLeftSingularVectors) =>
    new SVD(M, { ...options, computeLeftSingularVectors });

  /* Whether the numbers were in float32 before: all fit in it, and some fill it. */
  function wasSingle(values) {
    const single = Float32Array.from(values);
    const bits = new Uint32Array(single.buffer);
    const filled = bits.some((all, i) => (all & 255) !== 0 && values[i] % 1 !== 0);
    return filled && single.every((value, i) => value === values[i]);
  }

  /* A side centred, at one scale (M) and with each column at its own; refused where it is constant. */
  function centred({ name, shape, values }) {
    const [p, single] = [shape.at(-1), wasSingle(values)];
    const n = values.length / p;
    const M = Matrix.from1DArray(n, p, values);
    const byColumn = (of) => M.transpose().data.map(of);
    const length = (column) => Math.hypot(...column);
    const [mean, whole] = [M.mean("column"), byColumn(length)];
    M.center("column").center("column"); // the first mean of large numbers is rounded
    const largest = byColumn((column) => column.reduce((m, v) => Math.max(m, Math.abs(v)), 0));
    const digits = 8 * (single ? SINGLE : DOUBLE);
    const varies = largest.map((most, j) => most > digits * (most + Math.abs(mean[j])));
    if (!varies.includes(true)) {
      const [rounded, offset] = largest.some((most) => most > 0)
        ? [" by more than rounding", ", and that no offset was added before it was saved"]
        : ["", ""];
      throw new Error(
        `${name} is constant: none of its ${p} neurons varies over samples${rounded}, so there is no variance to compare; check that the right array was loaded${offset}`,
      );
    }
    const columns = M.clone().mulRowVector(largest.map((most, j) => (varies[j] ? unit(most) : 0)));
    const ratios = byColumn(length).map((own, j) => whole[j] / own);
    const away = ratios.filter(Number.isFinite).sort((a, b) => a - b);
    const median = away[(away.length - 1) >> 1];
    const rounding = Math.max(Math.max(n, p) * DOUBLE, single ? 8 * SINGLE * median : 0);
    return { name, n, p, columns, rounding, M: M.mul(unit(Math.max(...largest))) };
  }

  /* The same matrix, its diagonal 0. */
  function hollow(K) {
    for (let i = 0; i < K.rows; i++) K.set(i, i, 0);
    return K;
  }

  /* <A, B> of symmetric matrices, the rows and columns of B in this order. */
  function inner(A, B, order = [...A.data.keys()]) {
    let [diagonal, below] = [0, 0];
    for (const [i, own] of A.data.entries()) {
      const row = B.data[order[i]];
      for (let j = 0; j < i; j++) below += own[j] * row[order[j]];
      diagonal += own[i] * row[order[i]];
    }
    return diagonal + 2 * below;
  }
  const size = (A, B) => Math.sqrt(inner(A, A) * inner(B, B));

  function withoutBias(K) {
    const n = K.rows;
    if (n < 4) throw new Error(`a debiased CKA needs 4 or more samples; got ${n}`);
    const same = hollow(K.clone());
    const means = same.sum("row").map((all) => all / (n - 2));
    same.subColumnVector(means).subRowVector(means);
    return hollow(same.add(sum(means) / (n - 1)));
  }

  /* Squared distances of samples less their mean. */
  function distances(K, name) {
    const n = K.rows;
    if (n < 3)
      throw new Error(`RSA needs 3 or more samples, since 2 have a single distance; got ${n}`);
    const own = K.diagonal();
    const D = K.clone().mul(-2).addColumnVector(own).addRowVector(own);
    const least = Math.min(...D.data.map((row, i) => Math.min(...row.filter((_, j) => j !== i))));
    const most = D.max();
    if (most - least <= 64 * DOUBLE * Math.max(1, most)) {
      throw new Error(
        `all squared-euclidean distances between samples of ${name} are the same, but for rounding: RSA has nothing to compare`,
      );
    }
    return hollow(D.sub(D.sum() / (n * (n - 1))));
  }

  /* R^2 of each left singular vector in U from Y's columns, of Y's numerical rank. */
  function captured(U, Y, { leftSingularVectors, diagonal: s }) {
    const size = (power) => Math.sqrt(sum(s, (v) => v ** (2 * power)));
    const safe = Y.n > Y.p && size(2) * size(-2) * DOUBLE < 1e-7;
    const rank = safe ? s.length : s.filter((v) => v > s[0] * Y.rounding).length;
    const shared = leftSingularVectors.transpose().mmul(U).data.slice(0, rank);
    return Array.from({ length: U.columns }, (_, i) => sum(shared, (row) => row[i] ** 2));
  }

  /* Permutations of samples, (time, trial) in a row, that shuffle trials as a whole. */
  function shuffles(shape, count, seed) {
    const [times, trials] = [shape.length === 3 ? shape[0] : 1, shape.at(-2)];
    const random = () => {
      seed = (seed + 0x6d2b79f5) | 0; // mulberry32
      let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
      return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
    };
    return Array.from({ length: trials > 1 ? count : 0 }, () => {
      const keys = Array.from({ length: trials }, random);
      const order = [...keys.keys()].sort((a, b) => keys[a] - keys[b]);
      return Array.from({ length: times * trials }, (_, i) => i - (i % trials) + order[i % trials]);
    });
  }

  /* Shares of variance of the PCs, from all singular values. */
  function sharesOf(s, rounding) {
    const squares = s.filter((v) => v > s[0] * rounding).map((v) => v ** 2);
    return squares.map((v) => v / sum(squares));
  }

  /* Score, and mean, spread and p of scores with the samples of Y in each of these orders. */
  function rsa(A, B, orders) {
    const whole = size(A, B);
    const value = inner(A, B) / whole;
    const others = orders.map((order) => inner(A, B, order) / whole);
    const chance = sum(others) / others.length;
    const spread = Math.sqrt(sum(others, (v) => (v - chance) ** 2) / others.length);
    const p = (1 + others.filter((v) => v >= value - 2e-6).length) / (1 + others.length);
    return { value, others, chance, spread, p };
  }

  function attempt(of) {
    try {
      const found = of();
      return Number.isFinite(found.value) ? found : { note: "not defined on these two" };
    } catch ({ message }) {
      return { note: message };
    }
  }

  /* Every score, {value, chance} or {note} where it isn't defined; R^2 of X's PCs from Y. */
  return function score(given, orders = shuffles(given[1].shape, 100, 0)) {
    const [X, Y] = given.map(centred);
    const { leftSingularVectors: U, diagonal: s } = svd(X.M, true);
    const basis = svd(Y.columns, true);
    const own = svd(basis.leftSingularVectors.transpose().mmul(Y.M), false).diagonal;
    const norm = (values) => sum(values, (v) => v ** 2);
    const [shares, sharesY] = [sharesOf(s, X.rounding), sharesOf(own, Y.rounding)];
    const r2 = captured(U, Y, basis);
    const cross = svd(U.transpose().mmul(Y.M).mulColumnVector(s), false).diagonal;
    const nbs = sum(cross) / Math.sqrt(norm(s) * norm(own));
    const [K, L] = [X.M.mmulByTranspose(), Y.M.mmulByTranspose()];
    const cka = (A, B) => inner(A, B) / size(A, B);
    const exchangeable = given[0].shape.length === 2 || given[0].shape[0] === 1;
    const chance = (value) => (exchangeable ? value / (X.n - 1) : Number.NaN);
    return {
      shares,
      r2: r2.slice(0, shares.length),
      cka: { value: cka(K, L), chance: chance(1 / Math.sqrt(norm(shares) * norm(sharesY))) },
      "cka-debiased": attempt(() => ({ value: cka(withoutBias(K), withoutBias(L)), chance: 0 })),
      nbs: { value: nbs },
      "procrustes-angular-score": { value: angular(nbs) },
      linreg: { value: sum(r2, (v, i) => v * s[i] ** 2) / norm(s), chance: chance(sharesY.length) },
      rsa: attempt(() => rsa(distances(K, X.name), distances(L, Y.name), orders)),
    };
  };
};
