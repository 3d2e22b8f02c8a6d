/* What all explorables share: state in the page's address, controls, drawing, what is read aloud. */
// biome-ignore lint/correctness/noUnusedVariables: the scripts of the explorables use it
const explore = (() => {
  const makers = {};
  const data = {};
  const compute = {}; // what an explorable computes, by its name
  const still = matchMedia("(prefers-reduced-motion: reduce)");

  const made = (element, attributes, children) => {
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  };
  const html = (tag, attributes = {}, ...children) =>
    made(document.createElement(tag), attributes, children);
  const svg = (tag, attributes = {}, ...children) =>
    made(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

  /* "0.90"; `towards` "down" or "up" for a bound, which rounding may loosen and never tighten. */
  const number = (value, digits = 2, towards = "") => {
    if (!Number.isFinite(value)) return "–";
    const unit = 10 ** digits;
    let shown = value;
    if (towards === "up") shown = Math.ceil((value - 1e-9) * unit) / unit;
    if (towards === "down") shown = Math.floor((value + 1e-9) * unit) / unit;
    return shown.toFixed(digits).replace("-", "−");
  };
  /* As in simlib.theory: 1 - (2 / pi) arccos, and back. */
  const angular = (score) => 1 - (2 / Math.PI) * Math.acos(Math.min(1, Math.max(-1, score)));
  const fromAngular = (score) => Math.cos(((1 - score) * Math.PI) / 2);

  /* The look of a measure, as in simlib.plots. */
  const MEASURES = {
    "procrustes-angular-score": { title: "Angular Procrustes", colour: "#0072B2" },
    nbs: { title: "NBS", colour: "#56B4E9" },
    "cka-angular-score": { title: "Angular CKA", colour: "#E69F00" },
    cka: { title: "CKA", colour: "#D55E00" },
    ridge: { title: "Ridge regression", colour: "#009E73" },
    linreg: { title: "Linear regression R²", colour: "#CC79A7" },
  };

  /* A picture with a name, and axes in it: x and y turn numbers into places. */
  const picture = (name, width, height, kind = "") =>
    svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": name, class: kind });
  const TEXT = { "text-anchor": "middle", class: "explorable-text" };
  const axes = (drawing, [left, top, width, height], options) => {
    const { x: [x0, x1] = [0, 1], y: [y0, y1] = [0, 1], xName = "", yName = "" } = options;
    const { ticks = [0, 0.5, 1], xTicks = ticks, yTicks = ticks } = options;
    const x = (value) => left + ((value - x0) / (x1 - x0)) * width;
    const y = (value) => top + height - ((value - y0) / (y1 - y0)) * height;
    const bottom = top + height;
    drawing.append(
      svg("path", { d: `M${left} ${top}V${bottom}H${left + width}`, class: "explorable-frame" }),
      ...xTicks.map((t) => svg("text", { ...TEXT, x: x(t), y: bottom + 15 }, `${t}`)),
      ...yTicks.map((t) =>
        svg("text", { ...TEXT, "text-anchor": "end", x: left - 5, y: y(t) + 4 }, `${t}`),
      ),
      svg("text", { ...TEXT, x: left + width / 2, y: bottom + 31 }, xName),
      svg("text", { ...TEXT, "text-anchor": "start", x: left - 24, y: top - 8 }, yName),
    );
    return { x, y, invert: (place) => x0 + ((place - left) / width) * (x1 - x0) };
  };
  const points = (places) => places.map(([x, y]) => `${x.toFixed(2)},${y.toFixed(2)}`).join(" ");

  /* What a dragged pointer says: `move` gets its place in the units of the drawing. */
  const drag = (drawing, move) => {
    const tell = (event) => {
      const [, , width, height] = drawing.getAttribute("viewBox").split(" ").map(Number);
      const { left, top, width: wide, height: high } = drawing.getBoundingClientRect();
      move(((event.clientX - left) / wide) * width, ((event.clientY - top) / high) * height);
    };
    drawing.addEventListener("pointerdown", (event) => {
      drawing.setPointerCapture(event.pointerId);
      tell(event);
    });
    drawing.addEventListener("pointermove", (event) => event.buttons && tell(event));
  };

  /* Controls: each shows its part of the state, changes it, and says which values it takes. */
  const slider = (name, label, { min = 0, max = 1, step = 0.01, digits = 2 } = {}) => {
    const id = `explorable-${name}`;
    const input = html("input", { type: "range", id, min, max, step });
    const output = html("output", { for: id });
    const element = html("div", { class: "explorable-slider" });
    element.append(html("label", { for: id }, label), input, output);
    const show = (value) => {
      input.value = value;
      output.textContent = number(value, digits);
    };
    const takes = (text) => text.trim() !== "" && Number(text) >= min && Number(text) <= max;
    const read = () => Number(input.value);
    return { name, element, input, show, takes, read, range: { min, max, step } };
  };
  const choice = (name, label, options) => {
    const id = `explorable-${name}`;
    const input = html("select", { id });
    input.append(...options.map(([value, text]) => html("option", { value }, text)));
    const element = html("div", { class: "explorable-choice" });
    element.append(html("label", { for: id }, label), input);
    const show = (value) => {
      input.value = value;
    };
    const takes = (text) => options.some(([value]) => value === text);
    return { name, element, input, show, takes, read: () => input.value };
  };

  /* Which spectrum X has: the controls, and the name of its data. */
  const SPECTRA = [
    ["mante2013", "Mante 2013"],
    ["siegel2015", "Siegel 2015"],
    ["hatsopoulos2007", "Hatsopoulos 2007"],
    ["majajhong2015", "Majaj 2015"],
    ["freemanziemba2013", "Freeman 2013"],
    ["power", "Power law, 30 PCs"],
  ];
  const spectra = () => {
    const controls = [
      choice("spectrum", "Spectrum of X", SPECTRA),
      slider("power", "Exponent", { max: 3, step: 0.25 }),
    ];
    const elements = controls.map(({ element }) => element);
    const sync = ({ spectrum }) => {
      elements[1].hidden = spectrum !== "power";
    };
    return { controls, elements, sync, defaults: { spectrum: "mante2013", power: 1 } };
  };
  const spectrumOf = ({ spectrum, power }) =>
    spectrum === "power" ? `power-${power.toFixed(2)}` : spectrum;

  /* Moves a slider to its end; where motion is unwanted, a tenth of the way at each press. */
  const player = (control, change, seconds = 8) => {
    const { min, max, step } = control.range;
    const button = html("button", { type: "button", class: "sd-btn sd-btn-outline-primary" });
    let timer = 0;
    const name = () => {
      const ready = still.matches ? "Next step" : "Play";
      button.textContent = timer ? "Pause" : ready;
    };
    const stop = () => {
      clearInterval(timer);
      timer = 0;
      name();
    };
    const go = (by, quiet) => {
      const next = Math.min(max, Number((control.read() + by).toFixed(6)));
      if (next >= max) stop();
      change({ [control.name]: next }, quiet && next < max);
    };
    button.addEventListener("click", () => {
      if (timer) {
        stop();
        change({}); // what is seen now is said
        return;
      }
      if (control.read() >= max) change({ [control.name]: min });
      else if (still.matches) go((max - min) / 10, false);
      if (still.matches) return;
      timer = setInterval(() => go(step, true), (1000 * seconds * step) / (max - min));
      name();
    });
    control.input.addEventListener("input", stop);
    still.addEventListener("change", stop);
    name();
    return { button, stop };
  };

  /* The state of an explorable: its defaults, then what the address says and a control takes. `draw`
     gets it and returns what is read aloud once the reader pauses. */
  const panel = (box, defaults, controls, draw) => {
    const said = html("p", { class: "visually-hidden", role: "status" });
    const state = { ...defaults };
    let waiting = 0;
    const change = (news, quiet = false) => {
      Object.assign(state, news);
      for (const control of controls) control.show(state[control.name]);
      const words = draw(state);
      clearTimeout(waiting);
      if (quiet) return;
      waiting = setTimeout(() => {
        said.textContent = words;
        remember(box.id, state);
      }, 300);
    };
    const asked = (address) => {
      const query = new URL(address, location.href).searchParams;
      const known = controls.filter(({ name, takes }) => takes(query.get(name) ?? ""));
      return Object.fromEntries(
        known.map(({ name }) => {
          const text = query.get(name);
          return [name, typeof defaults[name] === "number" ? Number(text) : text];
        }),
      );
    };
    for (const control of controls)
      control.input.addEventListener("input", () => change({ [control.name]: control.read() }));
    document.addEventListener("click", (event) => {
      const link = event.target.closest?.(`a[href*="?"][href$="#${box.id}"]`);
      if (!link || link.pathname !== location.pathname) return;
      event.preventDefault();
      change({ ...defaults, ...asked(link.href) });
      box.scrollIntoView({ block: "nearest", behavior: still.matches ? "instant" : "smooth" });
    });
    box.append(said);
    change(asked(location.href), true);
    return { state, change };
  };
  const remember = (id, state) => {
    try {
      history.replaceState(null, "", `?${new URLSearchParams(state)}#${id}`);
    } catch {} // a page that may not change its address
  };

  const define = (name, maker) => {
    makers[name] = maker;
  };
  const start = (box) => {
    box.replaceChildren();
    makers[box.dataset.explorable](box);
  };
  const draw = { html, svg, picture, axes, points, drag };
  const words = { number, angular, fromAngular, MEASURES };
  const controls = { slider, choice, player, panel, spectra, spectrumOf };
  return { data, compute, define, start, ...draw, ...words, ...controls };
})();
