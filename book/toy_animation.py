"""The animated toy of the introduction: what Y has learned at each score, for three measures.

Y starts as noise and climbs the score towards the six trajectories of `toy-2d`. One slider, the
score, moves all panels; each draws Y centred, rotated and scaled to lie on X as well as it can.
"""

import hashlib
import json
from pathlib import Path

import numpy as np

import simlib as sl
from simlib import cache

MEASURES = {
    "Ridge regression": sl.measure("ridge", penalty=100),
    "CKA": sl.measure("cka"),
    "Angular Procrustes": sl.measure("procrustes-angular-score"),
}
FIRST_SHOWN = 0.8
COLOURS = {"left": "#d55e00", "right": "#0072b2"}
SIZE = 100  # half the side of a panel, in the units of its drawing


def write(path: Path) -> None:
    """Write the panels to `path`, unless they were made from this very code and are still whole."""
    sources = [Path(__file__), *sorted(Path(sl.__file__).parent.rglob("*.py"))]
    code = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
    mark, _, old = path.read_bytes().partition(b"\n") if path.exists() else (b"", b"", b"")
    if mark != marked(code, old):
        new = page().encode()
        cache.write(path, lambda draft: draft.write_bytes(marked(code, new) + b"\n" + new))


def marked(code: str, content: bytes) -> bytes:
    """The first line of what this code made."""
    return f"<!-- {code} {hashlib.sha256(content).hexdigest()} -->".encode()


def page() -> str:
    X = sl.datasets.load("toy-2d")
    scale = 0.9 * SIZE / np.abs(X.values - X.values.mean((0, 1))).max()
    trials = [str(choice) for choice in X["choice"].values]
    panels = [
        panel(title, frames(measure, X, scale), centred(X.values) * scale, trials)
        for title, measure in MEASURES.items()
    ]
    return TEMPLATE.format(panels="\n".join(panels), value=FIRST_SHOWN)


def centred(values: np.ndarray) -> np.ndarray:
    return values - values.mean((0, 1))


def frames(measure, X, scale: float) -> list[dict]:
    """Along one ascent, at each 0.04 of score: the score, R^2 of both PCs, and the trajectories
    drawn onto X.
    """
    kept = []

    def observe(step, score, Y):
        drawn = np.rint(onto(np.asarray(Y), X.values) * scale).clip(-SIZE, SIZE).astype(int)
        r2 = sl.captured_variance(X, np.asarray(Y))
        kept.append(
            {
                "score": round(float(score), 2),
                "r2": [round(float(value), 2) for value in r2],
                "lines": drawn.swapaxes(0, 1).reshape(drawn.shape[1], -1).tolist(),
            }
        )

    sl.maximize(measure, X, seed=0, steps=3000, lr=0.02, observers=[observe], record=0.04)
    return kept


def onto(Y: np.ndarray, X: np.ndarray) -> np.ndarray:
    """Y centred, turned and scaled to lie on X as well as it can."""
    x, y = centred(X).reshape(-1, X.shape[-1]), centred(Y).reshape(-1, Y.shape[-1])
    U, s, Vt = np.linalg.svd(y.T @ x)
    return (y @ U @ Vt * s.sum() / (y**2).sum()).reshape(X.shape)


def panel(title: str, shown: list[dict], X: np.ndarray, trials: list[str]) -> str:
    first = min(shown, key=lambda frame: abs(frame["score"] - FIRST_SHOWN))
    reference = [line.round().astype(int).ravel().tolist() for line in X.swapaxes(0, 1)]
    lines = "".join(f'<polyline class="toy-x" points="{points(line)}"/>' for line in reference)
    lines += "".join(
        f'<polyline class="toy-y" stroke="{COLOURS[trial]}" points="{points(line)}"/>'
        for line, trial in zip(first["lines"], trials, strict=True)
    )
    label = f"Six trajectories of Y while {title} is maximised, drawn over those of X."
    box = f"{-SIZE} {-0.7 * SIZE:g} {2 * SIZE} {1.4 * SIZE:g}"
    return PANEL.format(
        title=title,
        drawing=f'<svg viewBox="{box}" role="img" aria-label="{label}">{lines}</svg>',
        legend=legend(first),
        frames=json.dumps(shown, separators=(",", ":")),
    )


def points(line: list[int]) -> str:
    return " ".join(f"{x},{-y}" for x, y in zip(line[::2], line[1::2], strict=True))


def legend(frame: dict) -> str:
    return (
        f"score {frame['score']:.2f}, R² of PC1 {frame['r2'][0]:.2f}, of PC2 {frame['r2'][1]:.2f}"
    )


PANEL = """<figure class="toy-panel">
<figcaption><strong>{title}</strong></figcaption>
{drawing}
<figcaption class="toy-legend">{legend}</figcaption>
<script type="application/json">{frames}</script>
</figure>"""

TEMPLATE = """<div class="toy">
<div class="toy-panels">
{panels}
</div>
<div class="toy-controls">
<button type="button" class="sd-btn sd-btn-outline-primary">Play</button>
<label for="toy-score">score</label>
<input id="toy-score" type="range" min="0" max="0.99" step="0.01" value="{value}">
<output for="toy-score">{value}</output>
</div>
</div>
<script>
(function () {{
  const toy = document.querySelector(".toy");
  const slider = toy.querySelector("input"), button = toy.querySelector("button");
  const panels = [...toy.querySelectorAll(".toy-panel")].map((panel) => ({{
    frames: JSON.parse(panel.querySelector("script").textContent),
    lines: panel.querySelectorAll(".toy-y"),
    legend: panel.querySelector(".toy-legend"),
  }}));
  function show() {{
    const score = Number(slider.value);
    toy.querySelector("output").textContent = score.toFixed(2);
    for (const panel of panels) {{
      const frame = panel.frames.reduce((a, b) =>
        Math.abs(b.score - score) < Math.abs(a.score - score) ? b : a);
      frame.lines.forEach((line, i) => {{
        const points = [];
        for (let k = 0; k < line.length; k += 2) points.push(line[k] + "," + -line[k + 1]);
        panel.lines[i].setAttribute("points", points.join(" "));
      }});
      panel.legend.textContent = "score " + frame.score.toFixed(2) + ", R² of PC1 " +
        frame.r2[0].toFixed(2) + ", of PC2 " + frame.r2[1].toFixed(2);
    }}
  }}
  let timer = null;
  function stop() {{ clearInterval(timer); timer = null; button.textContent = "Play"; }}
  button.addEventListener("click", () => {{
    if (timer) return stop();
    button.textContent = "Pause";
    if (Number(slider.value) >= 0.99) slider.value = 0;
    timer = setInterval(() => {{
      slider.value = Number(slider.value) + 0.01;
      show();
      if (Number(slider.value) >= 0.99) stop();
    }}, 80);
  }});
  slider.addEventListener("input", () => {{ stop(); show(); }});
}})();
</script>
"""
