/* What all explorables share: state in the page's address, controls, drawing, what is read aloud. */
// biome-ignore lint/correctness/noUnusedVariables: the scripts of the explorables use it
const explore = (() => {
  const makers = {}; // by the names of explorables
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
    const bounds = {
      up: Math.ceil((value - 1e-9) * unit),
      down: Math.floor((value + 1e-9) * unit),
    };
    const shown = towards ? bounds[towards] / unit : value;
    return shown.toFixed(digits).replace("-", "−");
  };
  /* As in simlib.theory: 1 - (2 / pi) arccos, and back. */
  const angular = (score) => 1 - (2 / Math.PI) * Math.acos(Math.min(1, Math.max(-1, score)));
  const fromAngular = (score) => Math.cos(((1 - score) * Math.PI) / 2);

  const picture = (name, width, height, kind = "") =>
    svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": name, class: kind });
  const points = (places) => places.map(([x, y]) => `${x.toFixed(2)},${y.toFixed(2)}`).join(" ");

  /* Empties a picture and puts axes into it, up to 1 from the tenth below `lowest`. What they return
     turns numbers into places and draws; where a pointer is dragged, `slider` gets its x. */
  const axes = (drawing, [left, top, width, height], options) => {
    const { x: [x0, x1] = [0, 1], xTicks = [0, 0.5, 1], xName, yName, slider } = options;
    const [y0, y1] = [Math.floor(10 * (options.lowest ?? 0)) / 10, 1];
    const x = (value) => left + ((value - x0) / (x1 - x0)) * width;
    const y = (value) => top + height - ((value - y0) / (y1 - y0)) * height;
    const bottom = top + height;
    const text = (words, x, y, anchor = "middle") => {
      const look = { x, y, "text-anchor": anchor, class: "explorable-text" };
      drawing.append(svg("text", look, `${words}`));
    };
    const known = (places) =>
      places.filter(([, b]) => Number.isFinite(b)).map(([a, b]) => [x(a), y(b)]);
    const line = (places, look, kind = "polyline") => {
      const drawn = points(known(places));
      drawing.append(svg(kind, { class: "explorable-line", ...look, points: drawn }));
    };
    const dots = (places, look) =>
      drawing.append(...known(places).map(([cx, cy]) => svg("circle", { cx, cy, r: 3, ...look })));
    const cursor = (ends) => line(ends, { class: "explorable-cursor" });
    const frame = { d: `M${left} ${top}V${bottom}H${left + width}`, class: "explorable-frame" };
    drawing.replaceChildren(svg("path", frame));
    for (const tick of xTicks) text(tick, x(tick), bottom + 15);
    for (const tick of y0 === 0 ? [0, 0.5, 1] : [y0, 1]) text(tick, left - 5, y(tick) + 4, "end");
    text(xName, left + width / 2, bottom + 31);
    text(yName, left - 24, top - 11, "start");
    const drag = (event) => {
      if (!slider || !event.buttons) return;
      drawing.setPointerCapture(event.pointerId);
      const place = new DOMPoint(event.clientX, event.clientY);
      const along = place.matrixTransform(drawing.getScreenCTM().inverse()).x - left;
      slider.input.value = x0 + (along / width) * (x1 - x0); // it takes the nearest of its values
      slider.input.dispatchEvent(new Event("input"));
    };
    Object.assign(drawing, { onpointerdown: drag, onpointermove: drag });
    const upright = (at) => cursor([y0, y1].map((end) => [at, end]));
    const level = (at) => cursor([x0, x1].map((end) => [end, at]));
    return { x, y, text, line, dots, upright, level };
  };

  const button = (label) =>
    html("button", { type: "button", class: "sd-btn sd-btn-outline-primary" }, label);

  /* Controls: each shows and reads the part of the state that has its name. */
  const control = (kind, name, label, input, digits) => {
    input.id = `explorable-${name}`;
    const output = html("output", { for: input.id });
    const text = html("label", { for: input.id }, label);
    const element = html("div", { class: `explorable-${kind}` }, text, input);
    if (digits !== undefined) element.append(output);
    const show = (value) => {
      input.value = value;
      output.textContent = number(value, digits);
    };
    return { name, element, input, show, read: () => input.valueAsNumber ?? input.value };
  };
  const slider = (name, label, { digits = 2, ...range }) => {
    const input = html("input", { type: "range", min: 0, max: 1, step: 0.01, ...range });
    return control("slider", name, label, input, digits);
  };
  const choice = (name, label, options, value = options[0][0]) => {
    const list = options.map(([value, text]) => html("option", { value }, text));
    const input = html("select", {}, ...list);
    input.value = value;
    return control("choice", name, label, input);
  };

  /* Which spectrum X has: its controls; the name of its data. */
  const spectra = () => {
    const named = [...Object.entries(data.spectra.titles), ["power", "Power law, 30 PCs"]];
    const spectrum = choice("spectrum", "Spectrum of X", named);
    const power = slider("power", "Exponent", { max: 3, step: 0.25, value: 1 });
    const sync = (state) => power.element.toggleAttribute("hidden", state.spectrum !== "power");
    return { controls: [spectrum, power], sync };
  };
  const spectrumOf = ({ spectrum, power }) =>
    spectrum === "power" ? `power-${power.toFixed(2)}` : spectrum;

  /* Moves a slider step by step; where motion is unwanted, ten steps at each press. */
  const player = ({ input }) => {
    const [play, step] = [button(), new Event("input")];
    let timer = 0;
    const stop = () => {
      clearInterval(timer);
      timer = 0;
      play.textContent = still.matches ? "Next step" : "Play";
    };
    const go = (steps = 1) => {
      input.stepUp(steps);
      input.dispatchEvent(step);
      if (input.value === input.max) stop();
    };
    play.addEventListener("click", () => {
      if (timer) return stop();
      if (input.value === input.max) input.value = input.min;
      if (still.matches) return go(10);
      timer = setInterval(go, 100);
      play.textContent = "Pause";
    });
    input.addEventListener("input", (event) => event !== step && stop());
    still.addEventListener("change", stop);
    stop();
    return play;
  };

  /* What is shown, words on it, and below them controls (and buttons) of the state: their own values,
     then those in the page's address. `draw` gets it and returns the words, and more that is read
     aloud with them once the reader pauses. */
  const panel = (box, shown, below, draw) => {
    const [words, said] = [html("p"), html("p", { class: "visually-hidden", role: "status" })];
    const parts = below.map((one) => one.element ?? one);
    box.append(...shown, words, html("div", { class: "explorable-controls" }, ...parts), said);
    const controls = below.filter(({ read }) => read);
    const defaults = Object.fromEntries(controls.map(({ name, read }) => [name, read()]));
    const state = { ...defaults };
    let waiting = 0;
    const change = (news) => {
      const told = [draw(Object.assign(state, news))].flat();
      words.textContent = told[0];
      for (const { name, show } of controls) show(state[name]);
      clearTimeout(waiting);
      waiting = setTimeout(() => {
        said.textContent = told.join(" ");
        try {
          history.replaceState(null, "", `?${new URLSearchParams(state)}#${box.id}`);
        } catch {} // a page that may not change its address
      }, 300);
    };
    const asked = (address) => {
      const [query, found] = [new URL(address).searchParams, { ...defaults }];
      for (const { name, input, read } of controls) {
        if (query.has(name)) input.value = query.get(name); // a slider takes its nearest value
        if (query.has(name) && read() !== "") found[name] = read();
      }
      return found;
    };
    for (const { name, input, read } of controls)
      input.addEventListener("input", () => change({ [name]: read() }));
    document.addEventListener("click", (event) => {
      const link = event.target.closest?.(`a[href*="?"][href$="#${box.id}"]`);
      if (!link || link.pathname !== location.pathname) return;
      event.preventDefault();
      change(asked(link.href));
      box.scrollIntoView({ block: "nearest", behavior: still.matches ? "instant" : "smooth" });
    });
    change(asked(location.href));
    clearTimeout(waiting); // nothing was asked for yet
    return { state, change };
  };

  /* In the place of the words for readers without scripts comes the template, if there is one. */
  const start = (box) => {
    const template = box.querySelector("template");
    box.replaceChildren(...(template ? [template, template.content.cloneNode(true)] : []));
    makers[box.dataset.explorable](box);
  };
  const draw = { html, svg, picture, axes, points };
  const words = { number, angular, fromAngular };
  const controls = { button, slider, choice, player, panel, spectra, spectrumOf };
  return { data, compute, makers, start, ...draw, ...words, ...controls };
})();
