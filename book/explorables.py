"""The toy of the first page at a score of 0.9, and the data of what moves in the book, from the
runs of `simlib.experiments`: a script each, since a page opened as a file may fetch no other kind.
"""

import itertools
import json
import os
from pathlib import Path

import numpy as np

from simlib import plots
from simlib.datasets import made
from simlib.experiments import ascent_frames, explorables, published_vs_reproduced
from simlib.measures import MEASURES

JOBS = os.cpu_count() or 1
DIGITS = published_vs_reproduced.DIGITS  # after the point
PUBLISHED = Path(__file__).resolve().parent / "figures" / "published_vs_reproduced.ipynb"
# Measures that move, and whose colour in figures one has.
LIKE = {"ridge": "ridge-cv"}
SHOWN = (*itertools.chain(*explorables.OTHERS), "linreg", "ridge", "ridge-cv")
TOY, AT = "toy-2d", 0.9
TOY_MEASURES = ("ridge", "cka", "procrustes-angular-score")
COLOURS = ("#7A4FD0", "#8A9A00")  # of the two choices: hues that no measure has
PANEL = """<figure class="toy-panel">
<figcaption><strong>{title}</strong></figcaption>
<svg viewBox="-110 -85 220 170" role="img" aria-label="{label}">{lines}</svg>
<figcaption>score {score:.2f}, R² of PC1 {r2[0]:.2f}, of PC2 {r2[1]:.2f}</figcaption>
</figure>"""


def scripts() -> dict[str, bytes]:
    """The data files by their names."""
    data = {"joint": joint(), "measures": measures(), "player": player(), "spectra": spectra()}
    data["published"] = published(PUBLISHED)
    return {f"{name}_data.js": script(name, content) for name, content in data.items()}


def script(name: str, content: dict) -> bytes:
    """What hands the data to the explorables."""
    text = json.dumps(content, separators=(",", ":"), allow_nan=False)
    return f"explore.data.{name} = {text};\n".encode()


def measures() -> dict[str, dict]:
    """The look of each measure: its title, and its colour in figures."""
    return {
        name: {"title": MEASURES[name].title, "colour": plots.colour(LIKE.get(name, name))}
        for name in SHOWN
    }


def published(page: Path) -> dict:
    """What the executed page of the published tables hands over beside a box; empty where there is
    no such page, or the tables were not there.
    """
    cells = json.loads(page.read_text())["cells"] if page.exists() else []
    outputs = [output.get("data", {}) for cell in cells for output in cell.get("outputs", [])]
    return next((data["application/json"] for data in outputs if "application/json" in data), {})


def spectra() -> dict:
    """The variances of each spectrum; titles of the recordings."""
    shares = {name: shares.tolist() for name, shares in explorables.spectra().items()}
    titles = {name: made.SURROGATES[f"surrogate-{name}"].label for name in made.SPECTRA}
    return {"titles": titles, "shares": shares}


def joint() -> dict:
    """Of each spectrum the lowest and the highest scores, by the measure whose score is given."""
    table, whole = explorables.slider_ranges(jobs=JOBS), published_vs_reproduced.whole
    ranges = {name: {} for name in explorables.spectra()}
    for (name, given), rows in table.groupby(["spectrum", "given"], sort=False):
        ranges[name][given] = [whole(rows["lowest"]), whole(rows["highest"])]
    return {"unit": 10.0**-DIGITS, "ranges": ranges}


def player() -> dict:
    """Of each dataset X and its ascents, frame by frame; places in hundredths of X's extent."""
    table, data = ascent_frames.frames(jobs=JOBS), {}
    for dataset, rows in table.groupby("dataset", sort=False):
        X = ascent_frames.target(dataset)
        data[dataset] = {
            "title": X.title,
            "variable": X.variable,
            "classes": X.classes,
            "group": X.group.tolist(),
            "times": X.points.shape[1],
            "points": places(X.points),
            "accuracy": X.accuracy,
            "chance": X.chance,
            "shares": X.shares.tolist(),
            "ascents": {
                measure: [frame(one) for _, one in ascent.groupby("step")]
                for measure, ascent in rows.groupby("measure", sort=False)
            },
        }
    return data


def frame(rows) -> dict:
    """One frame: its step and score, accuracy, R^2 by component and the places of Y."""
    values = {quantity: one["value"].to_numpy() for quantity, one in rows.groupby("quantity")}
    return {
        "step": int(rows["step"].iloc[0]),
        "score": round(float(rows["score"].iloc[0]), DIGITS),
        "accuracy": round(float(values["accuracy"][0]), DIGITS),
        "r2": values["r2"].round(DIGITS).tolist(),
        "points": places(values["point"]),
    }


def places(values: np.ndarray) -> list[int]:
    return np.rint(100 * values).astype(int).ravel().tolist()


def toy() -> str:
    """Six trajectories of Y over those of X, where each measure's score is nearest to 0.9."""
    X, table = ascent_frames.target(TOY), ascent_frames.frames([TOY], TOY_MEASURES, jobs=JOBS)
    return f'<div class="toy toy-panels">\n{"".join(toy_panels(X, table))}\n</div>\n'


def toy_panels(X, table) -> list[str]:
    panels = []
    for measure in TOY_MEASURES:
        shown = at_score(table[table["measure"] == measure], AT)
        title, y = MEASURES[measure].title, np.reshape(shown["points"], (len(X.points), -1, 2))
        lines = [line('class="toy-x"', trial) for trial in 100 * X.points]
        lines += [
            line(f'class="toy-y" stroke="{COLOURS[group]}"', trial)
            for group, trial in zip(X.group, y, strict=True)
        ]
        label = f"Six trajectories of Y at a {title} of {shown['score']:.2f}, over those of X."
        panels.append(PANEL.format(title=title, label=label, lines="".join(lines), **shown))
    return panels


def at_score(ascent, score: float) -> dict:
    """The frame whose score is nearest."""
    nearest = (ascent["score"] - score).abs().min()
    return frame(ascent[(ascent["score"] - score).abs() == nearest])


def line(look: str, trial: np.ndarray) -> str:
    points = " ".join(f"{x:.0f},{-y:.0f}" for x, y in trial)
    return f'<polyline {look} points="{points}"/>'
