"""Pictures: what stands where, what the legend names, and what is drawn of tables with gaps."""

import ast
import json
import re
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from simlib import plots
from simlib.experiments import claims

ROOT = Path(__file__).resolve().parent.parent
FACTS = {"title": "Siegel", "settings": "quick", "surrogate": True, "data_hash": "0"}
RUN = {"dataset": "surrogate-x", "variant": "paper", "seed": 0, **FACTS}


@pytest.fixture
def ax():
    with mpl.rc_context():
        plots.use()
        figure, ax = plt.subplots()
        yield ax
        plt.close(figure)


# -- The face


def sources() -> dict[str, str]:
    """Everything that takes names from `plots`: notebooks, book, benchmarks."""
    found = {}
    for path in [*ROOT.glob("notebooks/*.ipynb"), *ROOT.glob("b*/*.py")]:
        text = path.read_text()
        if path.suffix == ".ipynb":
            cells = json.loads(text)["cells"]
            text = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "code")
        found[path.name] = text
    return found


@pytest.mark.parametrize("name, text", sources().items(), ids=sources())
def test_what_is_drawn_comes_from_the_face(name, text):
    assert "simlib.plots" not in text
    assert set(re.findall(r"\bplots\.(\w+)", text)) <= set(plots.__all__)


def test_no_function_bears_the_name_of_a_module():
    modules = {path.stem for path in (ROOT / "simlib" / "plots").glob("*.py")}
    assert not modules & set(plots.__all__)


@pytest.mark.parametrize("path", sorted((ROOT / "simlib" / "plots").glob("*.py")))
def test_a_plot_neither_saves_nor_shows(path):
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    called = {node.func.attr for node in calls if isinstance(node.func, ast.Attribute)}
    assert not called & {"savefig", "show"}


# -- Curves along an ascent


def accuracy_tables() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Three runs of a straight line, 0.1 apart; 90% of the way is gone by one measure alone."""
    score = np.arange(0, 1.001, 0.1)
    measures = ("cka", "mine.py:own")
    kind = {"quantity": "accuracy", "scale": "recorded", "name": "context"}
    curves = pd.concat(
        pd.DataFrame({"score": score, "value": 0.5 + 0.3 * score + 0.1 * seed}).assign(
            measure=measure, **RUN | kind | {"seed": seed}
        )
        for measure in measures
        for seed in (0, 1, 2)
    )
    crossings = pd.DataFrame({"measure": measures, "score": [0.8, np.nan], "target": 0.86})
    crossings = pd.concat([crossings, crossings.assign(score=[0.6, 0.9])])
    crossings = pd.concat([crossings, crossings.iloc[:2].assign(score=[0.7, np.nan])])
    references = pd.DataFrame({"variable": "main_task", "accuracy": [0.8, 1.0], "chance": 0.5})
    return curves.reset_index(drop=True), crossings, references


def test_accuracy_is_the_median_over_runs_with_their_range_in_the_measures_colour(ax):
    plots.accuracy_against_score(*accuracy_tables(), ax)
    curve = next(line for line in ax.lines if len(line.get_xdata()) == 11)
    np.testing.assert_allclose(curve.get_ydata(), 0.6 + 0.3 * curve.get_xdata())
    assert mpl.colors.same_color(curve.get_color(), plots.colour("cka"))
    band = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert band.max() == pytest.approx(1.0) and band.min() == pytest.approx(0.5)
    assert ax.get_legend_handles_labels()[1] == ["CKA", "mine.py:own"]
    assert ax.get_title(loc="left") == "Siegel: main task\nrecorded unit"


def test_crossings_lie_below_the_curves_as_median_and_range_and_never_is_open(ax):
    plots.accuracy_against_score(*accuracy_tables(), ax)
    spans = [line for line in ax.lines if len(line.get_xdata()) == 2 and line.get_ydata()[0] < 0.5]
    bars = [line.get_xdata() for line in spans if line.get_xdata()[0] > 0.3]
    np.testing.assert_allclose(bars, [[0.6, 0.8], [0.9, 1.04]])
    dots = [line for line in ax.lines if len(line.get_xdata()) == 1]
    assert [dot.get_xdata()[0] for dot in dots] == pytest.approx([0.7, 1.04])
    assert [dot.get_markerfacecolor() == "white" for dot in dots] == [False, True]


def test_placements_are_drawn_at_their_values_and_the_shipped_one_is_marked(ax):
    rows = [("cka", 1, 0.9), ("cka", 10, np.nan), ("cka", 1, 0.7), ("cka", 10, 0.8)]
    placed = pd.DataFrame(rows, columns=["measure", "first_pc", "score"]).assign(
        varied="first_pc", shipped=lambda t: t["first_pc"] == 10, title="A"
    )
    plots.crossings_against_placement(placed, "first_pc", ax)
    line = next(line for line in ax.lines if list(line.get_xdata()) == [1, 10])
    np.testing.assert_allclose(line.get_ydata(), [0.8, (0.8 + 1.04) / 2])
    assert any(set(line.get_xdata()) == {10} for line in ax.lines)
    assert ax.get_yticklabels()[-1].get_text() == "never"


def test_what_is_decoded_by_captured_pcs_is_a_line_a_run(ax):
    run = pd.DataFrame({"captured": [0, 1, 4], "share": [0.1, 0.5, 1.0], "measure": "cka"})
    plots.share_against_captured(
        pd.concat([run.assign(**RUN), run.assign(**RUN | {"seed": 1})]), ax
    )
    drawn = [line for line in ax.lines if list(line.get_xdata()) == [1, 4]]
    assert len(drawn) == 2 and ax.get_xscale() == "log"


def test_a_pc_that_is_never_captured_is_a_tick_on_top(ax):
    captures = pd.DataFrame(
        {"measure": "cka", "explained_variance": [0.5, 0.1], "score": [0.4, np.nan]}
    ).assign(**RUN)
    plots.capture_against_variance(captures, ax)
    ((x, y),) = ax.collections[-1].get_offsets()
    assert x == 0.1 and 1 < y < ax.get_ylim()[1]


def test_the_gaussian_is_paired_pc_by_pc_with_x(ax):
    captures = pd.concat(
        pd.DataFrame({"pc": [1, 2, 3], "score": scores}).assign(
            measure="cka", **RUN | {"variant": variant}
        )
        for variant, scores in {"X": [0.1, 0.2, np.nan], "Gaussian": [0.3, 0.4, 0.5]}.items()
    )
    plots.capture_against_gaussian(captures, "X", ax)
    drawn = ax.collections[0].get_offsets().compressed()
    np.testing.assert_allclose(drawn[np.isfinite(drawn)].reshape(-1, 2), [[0.1, 0.3], [0.2, 0.4]])


@pytest.mark.parametrize("variables", [["context"], ["context", "response"]])
def test_crossings_show_their_range_and_never(ax, variables):
    one = pd.DataFrame(
        {
            "penalty": [1.0, 1.0, 100.0, 100.0],
            "seed": [0, 1, 0, 1],
            "score": [0.8, 0.9, np.nan, np.nan],
        }
    )
    crossings = pd.concat(one.assign(variable=variable) for variable in variables)
    plots.crossings_against_penalty(crossings, ax)
    heights = np.concatenate([line.get_ydata() for line in ax.lines if len(line.get_xdata())])
    never = dict(zip([t.get_text() for t in ax.get_yticklabels()], ax.get_yticks(), strict=True))
    for height in (0.8, 0.85, 0.9, never["never"]):  # range, mean
        assert np.isclose(heights, height).any()


# -- Published and reproduced


def tail_runs() -> pd.DataFrame:
    """Three seeds of each of four tails; lighter tails rise faster."""
    rates = {"t3": 0.1, "gaussian": 0.2, "uniform": 0.3, "signs": 0.4}
    steps = np.arange(30)
    return pd.concat(
        pd.DataFrame(
            {"step": steps, "score": 0.95 - 0.9 * np.exp(-rate * steps) + 0.001 * seed}
        ).assign(tails=kind, measure="cka", **RUN | {"seed": seed})
        for kind, rate in rates.items()
        for seed in range(3)
    ).reset_index(drop=True)


def test_the_ascents_are_drawn_with_the_published_on_top(ax):
    runs = tail_runs()
    published = runs[(runs["tails"] == "uniform") & (runs["seed"] == 0)]
    plots.scores_by_tails(runs, published.assign(published_measure="cka"), ax)
    drawn = [line for line in ax.lines if len(line.get_xdata())]
    assert len(drawn) == 13 and ax.get_xlim()[0] > 0
    assert ax.get_legend_handles_labels()[1][-1] == "published"


def test_without_published_tables_the_reproduced_stand_alone(ax):
    runs = tail_runs()
    empty = runs[:0].assign(published_measure="")
    plots.scores_by_tails(runs, empty, ax)
    assert len([line for line in ax.lines if len(line.get_xdata())]) == 12
    assert "published" not in ax.get_legend_handles_labels()[1]


def test_the_grid_says_when_there_is_no_verdict():
    row = {
        "measure": "cka",
        "quantity": "90% crossing",
        "difference": np.nan,
        "verdict": "",
        "title": "Siegel",
    }
    figure, axes = plt.subplots(1, 2)
    plots.verdict_grid(pd.DataFrame([row]), axes[0])
    plots.verdict_grid(pd.DataFrame([{**row, "verdict": "inside"}]), axes[1])
    assert "No verdict" in axes[0].texts[0].get_text() and axes[1].texts[0].get_text() == "never"
    plt.close(figure)


def test_the_grid_keeps_the_order_of_the_card(ax):
    rows = [
        {"measure": measure, "quantity": quantity, "difference": 0.01, "verdict": verdict}
        for measure in ("procrustes-angular-score", "cka")
        for quantity, verdict in (("steps", "near"), ("PCs agreed on", ""), ("accuracy", "off"))
    ]
    plots.verdict_grid(pd.DataFrame(rows).assign(title="Siegel"), ax)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["Angular Procrustes", "CKA"]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["steps", "accuracy"]


def test_claims_are_drawn_with_what_is_never_reached(ax):
    values = claims.values(
        [
            ("CKA decodes late", "surrogate-x", 0, np.inf),
            ("CKA decodes late", "surrogate-x", 1, 0.5),
            ("no PC far ahead", "surrogate-x", 0, -30),
        ]
    )
    plots.claims_against_bounds(claims.judge(values), ax)
    assert len(ax.get_yticklabels()) == values["claim"].nunique()
    drawn = np.concatenate([dots.get_offsets() for dots in ax.collections])[:, 0]
    assert len(drawn) == len(values) and np.isfinite(drawn).all()
    never = dict(zip([t.get_text() for t in ax.get_xticklabels()], ax.get_xticks(), strict=True))
    left, right = ax.get_xlim()
    assert drawn.max() == never["\nnever"] < right and left < drawn.min() < 0


# -- Room for the legend


@pytest.mark.parametrize("count", range(1, 7))
@pytest.mark.parametrize("columns", [1, 3])
def test_the_legend_has_its_place_without_a_spare_row(count, columns):
    figure, axes = plots.panels(count, columns=columns, height=3)
    assert len(axes) == count + 1
    for k in range(7):
        axes[0].plot([0, 1], [k, k], label=f"a measure of number {k}")
    plots.legend(axes[0], axes[count])
    plots.badge(figure, pd.DataFrame({"surrogate": [True], "settings": ["quick"]}))
    figure.set_layout_engine("constrained")
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    box = axes[count].get_legend().get_window_extent(renderer)
    assert not any(box.overlaps(ax.get_tightbbox(renderer)) for ax in axes[:count])
    assert not box.overlaps(figure._supxlabel.get_window_extent(renderer))
    rows = -(-count // min(columns, count + 1))
    assert figure.get_figheight() <= 3 * rows + 1
    plt.close(figure)


def test_a_figure_without_a_legend_has_no_place_for_it():
    figure, axes = plots.panels(6, place=False)
    assert len(axes) == 6 and figure.get_figheight() == pytest.approx(3 * 2.8)
    plt.close(figure)


def test_one_legend_stands_for_those_of_the_panels():
    figure, axes = plots.panels(2)
    for ax in axes[:2]:
        plots.accuracy_against_score(*accuracy_tables(), ax)
    plots.legend(axes[0], axes[2])
    assert [bool(ax.get_legend()) for ax in axes] == [False, False, True]
    plt.close(figure)


def test_a_setting_is_drawn_with_its_median_and_never_on_top(ax):
    table = pd.DataFrame({"neurons": [35, 35, 35, 70, 70, 70], "seed": [0, 1, 2] * 2})
    table = table.assign(measure="cka", score=[0.5, 0.6, 0.9, 0.98, np.nan, np.nan])
    plots.score_against_setting(table, "neurons", ax)
    line = next(line for line in ax.lines if len(line.get_xdata()) == 2)
    assert line.get_color() == plots.colour("cka")
    np.testing.assert_allclose(line.get_ydata(), [0.6, 1.04])
    assert [label.get_text() for label in ax.get_xticklabels()] == ["35", "70"]
    assert ax.get_yticklabels()[-1].get_text() == "never"


@pytest.mark.parametrize("count", [0, 2])
def test_published_variables_are_dashed_in_the_colour_of_their_measure(ax, count):
    steps = np.arange(5)
    run = pd.DataFrame({"step": steps, "score": steps / 5, "value": 0.5 + steps / 10})
    ours = run.assign(measure="cka", seed=0)
    runs = [run.assign(measure="cka", published_measure=str(k)) for k in range(count)]
    published = pd.concat([run[:0].assign(measure="", published_measure=""), *runs])
    references = pd.DataFrame({"variable": ["motion"], "accuracy": [0.8], "chance": [0.5]})
    plots.accuracy_of_variable(ours, published, references, ax)
    drawn = [line for line in ax.lines if len(line.get_xdata()) == 5]
    assert {line.get_color() for line in drawn} == {plots.colour("cka")}
    assert sum(line.get_linestyle() == "--" for line in drawn) == count
    assert ("published" in ax.get_legend_handles_labels()[1]) == bool(count)
    assert ax.get_title(loc="left") == "motion"


# -- Screens


def test_a_figure_has_its_panels_in_one_column_below_for_a_phone():
    with mpl.rc_context():
        plots.use()
        figure, axes = plots.panels(3)
        for ax in axes[:3]:
            ax.plot([0, 1], label="a curve")
            ax.set(xlabel="x", ylabel="y", title="A")
        plots.legend(axes[0], axes[3])
        text = plots.svg(figure)
    width = re.search(r'<svg [^>]*?width="(\d+)"', text)[1]
    view = re.search(r'<view id="narrow" viewBox="0 \S+ (\S+) (\S+)"', text)
    across, down = map(float, view.groups())
    assert int(width) == round(96 * plots.WIDE) and across == pytest.approx(3.7 * 72)
    assert down > 2 * across, "one below the other"
    columns = {ax.get_subplotspec().colspan.start for ax in axes}
    assert columns == {0} and len({ax.get_position().y0 for ax in axes}) == 4
    assert text.count("<svg") == 2 and "<!--" not in text
    plt.close(figure)


def test_no_text_is_smaller_than_eleven_pixels():
    with mpl.rc_context():
        plots.use()
        sizes = [mpl.rcParams[f"{part}.labelsize"] for part in ("axes", "xtick", "ytick")]
        sizes += [mpl.rcParams["legend.fontsize"], mpl.rcParams["axes.titlesize"]]
    assert min(sizes) / 72 * 96 >= 11
    for path in (ROOT / "simlib" / "plots").glob("*.py"):
        assert not re.findall(r"(?:fontsize|labelsize|\"size\")\W+\d", path.read_text()), path


def test_a_grid_of_numbers_keeps_its_width():
    with mpl.rc_context():
        plots.use()
        figure, ax = plt.subplots()
        ax.pcolormesh(np.eye(3))
        assert "narrow" not in plots.svg(figure)
        plt.close(figure)
