"""What moves in the book: the numbers are simlib's, and everyone can reach them."""

import colorsys
import itertools
import json
import math
import random
import re

import numpy as np
import pytest
from built_book import (
    CUT,
    HTML,
    ROOT,
    WIDTHS,
    findings,
    needs_book,
    needs_chromium,
    of_book,
    opened,
    show,
)

import simlib as sl
from simlib import exact_ranges, theory
from simlib.datasets import paper
from simlib.experiments import ascent_frames, curves, explorables, published_vs_reproduced

pytestmark = [pytest.mark.browser, needs_chromium, needs_book]
PAGES = {
    "joint": ["exact_ranges", "figures/joint_score_ranges"],
    "player": ["intro", "figures/score_vs_decodability"],
    "published": ["figures/published_vs_reproduced"],
    "theory": ["figures/theory_sensitivity"],
}
STATES = 1000
CLOSE = 1e-6
CHANGED = {
    "replaced": theory.REPLACED,
    "rotated": theory.ROTATED,
    "rescaled": theory.RESCALED,
    "kept": theory.KEPT,
}
SCORECARD = HTML / "figures" / "published_vs_reproduced.html"
BOX = '<div[^>]*data-explorable="published"'  # where the page was made with the tables
has_box = SCORECARD.exists() and re.search(BOX, SCORECARD.read_text())
needs_tables = pytest.mark.skipif(
    not (has_box and paper.published_folder()),
    reason="the published tables are not on this machine, or the page was made without them: "
    "run `make scorecard` and `make html`",
)
EVERY = [
    pytest.param(name, page, marks=[needs_tables] * (name == "published"))
    for name, pages in PAGES.items()
    for page in pages
]
each_page = pytest.mark.parametrize(("name", "page"), EVERY)


def address(page: str, query: str = "", name: str = "") -> str:
    return f"{(HTML / page).as_uri()}.html{query}#{name}"


def begun(browser, name: str, page: str, query: str = "", **options):
    """A page opened as a file, with its explorable drawn."""
    return opened(browser, address(page, query, name), **options)


def drawn(page, name: str):
    page.wait_for_selector(f"#{name}[data-started=yes]", timeout=20_000)
    return page.locator(f"#{name}")


def spectrum_of(state: dict) -> str:
    power = f"power-{state['power']:.2f}"
    return power if state["spectrum"] == "power" else state["spectrum"]


def random_spectrum(rng: random.Random) -> dict:
    recordings = [name for name in explorables.spectra() if not name.startswith("power")]
    return {
        "spectrum": rng.choice([*recordings, "power"]),
        "power": float(rng.choice(explorables.POWERS)),
    }


# -- The same numbers


def nearest(dataset: str, measure: str, score: float):
    """The frame that is nearest to a score."""
    table = ascent_frames.frames([dataset], [measure])
    away = (table["score"] - score).abs()
    return table[away == away.min()]


def of_frame(rows, quantity: str) -> np.ndarray:
    return rows.loc[rows["quantity"] == quantity, "value"].to_numpy()


def test_the_joint_ranges_are_those_of_simlib(browser):
    """The stored ones lie on the slider's places; those with linear regression are computed in the
    page.
    """
    rng, spectra = random.Random(0), explorables.spectra()
    measures = [*itertools.chain(*explorables.OTHERS), "linreg"]
    pairs = [
        (given, other)
        for given in measures
        for other in measures
        if exact_ranges.has_range(given, other)
    ]
    asked = [
        random_spectrum(rng) | dict(zip(("given", "other"), rng.choice(pairs), strict=True))
        for _ in range(STATES)
    ]
    states = [state | {"at": rng.randrange(101) / 100} for state in asked]
    with begun(browser, "joint", "exact_ranges") as (page, _):
        drawn(page, "joint")
        found = page.evaluate("states => states.map(s => explore.compute.joint(s))", states)
    tables = explorables.slider_ranges().set_index(["spectrum", "given", "level"]).sort_index()
    for state, ends in zip(states, found, strict=True):
        given, other, at = state["given"], state["other"], state["at"]
        if "linreg" in (given, other):
            variances = spectra[spectrum_of(state)]
            expected = exact_ranges.score_range(variances, given, at, other)
        else:
            row = tables.loc[(spectrum_of(state), given, at)]
            expected = row[["lowest", "highest"]].to_numpy(float)
            if other != row["other"]:
                expected = exact_ranges.from_angular(expected)
        assert np.allclose(ends, expected, rtol=0, atol=CLOSE), state


def test_the_player_shows_the_frame_nearest_to_the_score(browser):
    rng = random.Random(0)
    datasets, measures = list(ascent_frames.SHOWN), ascent_frames.MEASURES
    tables = {(a, b): ascent_frames.frames([a], [b]) for a in datasets for b in measures}
    states = [(rng.choice(datasets), rng.choice(measures), rng.random()) for _ in range(STATES)]
    with begun(browser, "player", "intro") as (page, _):
        drawn(page, "player")
        found = page.evaluate("states => states.map(s => explore.compute.player(...s))", states)
    for (dataset, measure, score), frame in zip(states, found, strict=True):
        table = tables[dataset, measure]
        rows = table[(away := (table["score"] - score).abs()) == away.min()]
        assert abs(frame["score"] - rows["score"].iloc[0]) < CLOSE
        for quantity, values in (("accuracy", frame["accuracy"]), ("r2", frame["r2"])):
            assert np.allclose(of_frame(rows, quantity), values, rtol=0, atol=CLOSE)
        places = np.array(frame["points"]) / 100
        assert np.allclose(of_frame(rows, "point"), places, rtol=0, atol=0.0051)


def of_theory(state: dict) -> dict[str, float]:
    """Each score after the change of a state, by simlib.theory."""
    variances, found = explorables.spectra()[spectrum_of(state)], {}
    amounts = {"rotated": [np.deg2rad(state["angle"])], "rescaled": [state["scale"]]}
    for measure, function in CHANGED[state["change"]].items():
        options = {"penalty": state["penalty"]} if measure == "ridge" else {}
        after = function(variances, *amounts.get(state["change"], []), **options)
        found[measure] = float(after[state["pc"] - 1])
    return found


def test_the_changed_scores_are_those_of_the_theory(browser):
    rng, page = random.Random(0), "figures/theory_sensitivity"
    states = [
        random_spectrum(rng)
        | {
            "change": rng.choice(list(CHANGED)),
            "pc": rng.randint(1, 30),
            "angle": rng.uniform(0, 180),
            "scale": rng.choice([0, rng.uniform(0, 2)]),
            "penalty": rng.choice([0, rng.uniform(0, 0.1)]),
        }
        for _ in range(STATES)
    ]
    with begun(browser, "theory", page) as (shown, _):
        drawn(shown, "theory")
        found = shown.evaluate("states => states.map(s => explore.compute.theory(s))", states)
    for state, scores in zip(states, found, strict=True):
        assert scores == pytest.approx(of_theory(state), rel=0, abs=CLOSE), state


def runs_of_the_page():
    """Accuracies and captures of the runs that the page of the published tables was made from."""
    folder = ROOT / "book" / "figures"
    given = json.loads((folder / "published_vs_reproduced.json").read_text())["parameters"]
    known = of_book("execute").defaults(ROOT / "notebooks" / "published_vs_reproduced.ipynb")
    known.pop("recordings")
    table = published_vs_reproduced.scorecard_runs(**known | given)
    captures = curves.captures(table, published_vs_reproduced.authors_capture)
    return curves.accuracies(table), captures


def by_run(table, *keys: str) -> dict:
    """The rows of each run in lists, by what they are about."""
    found = {}
    for key, rows in table.groupby([*keys, *(["seed"] if "seed" in table else [])], sort=False):
        found.setdefault(key[: len(keys)], []).append(rows)
    return found


def of_runs(accuracies: list, captures: list, at: float) -> dict:
    """What the page says of the runs of one side at a score; None is what JSON has for NaN."""
    values = np.array([curves.at_scores(run, np.array([at]))[0] for run in accuracies])
    values = values[np.isfinite(values)]
    captured = [(run.loc[run["pc"] <= 20, "score"] <= at).sum() for run in captures]
    means = {"accuracy": values, "captured": captured}
    found = {name: np.mean(found) if len(found) else math.nan for name, found in means.items()}
    return {**found, "runs": len(values)}


@needs_tables
def test_the_published_numbers_are_those_of_the_tables(browser, monkeypatch):
    """And ours those of the runs that the page was made from."""
    monkeypatch.syspath_prepend(str(ROOT / "book"))
    rng, (accuracies, captures) = random.Random(0), runs_of_the_page()
    with begun(browser, "published", "figures/published_vs_reproduced") as (page, _):
        drawn(page, "published")
        known = page.evaluate("explore.data.published")
        shown, runs = dict(known["datasets"]), known["runs"]
        datasets = list(shown)
        states = [
            {"dataset": dataset, "measure": rng.choice(list(runs)), "at": rng.randrange(101) / 100}
            | {"variable": rng.choice(list(shown[dataset]["published"]["accuracy"]))}
            for dataset in rng.choices(datasets, k=STATES)
        ]
        found = page.evaluate("states => states.map(s => explore.compute.published(s))", states)
    published = paper.published_variables(datasets), paper.published_captures(datasets)
    theirs = [
        by_run(table, "dataset", *keys, "published_measure")
        for table, keys in zip(published, (["name"], []), strict=True)
    ]
    ours = by_run(accuracies, "dataset", "name", "measure"), by_run(captures, "dataset", "measure")
    seen = 0
    for state, answers in zip(states, found, strict=True):
        dataset, variable = state["dataset"], state["variable"].replace(" ", "_")
        names = state["measure"], runs[state["measure"]]["measure"]
        for (curves_of, captures_of), name, answer in zip(
            (theirs, ours), names, answers, strict=True
        ):
            one = of_runs(
                curves_of.get((dataset, variable, name), []),
                captures_of.get((dataset, name), []),
                state["at"],
            )
            assert answer == pytest.approx(one, rel=0, abs=CLOSE, nan_ok=True), state
            seen += answer["runs"] > 0
    assert seen > STATES / 2


def test_a_number_says_no_more_than_it_knows(browser):
    with begun(browser, "joint", "exact_ranges") as (page, _):
        drawn(page, "joint")
        said = page.evaluate(
            """() => [explore.number(0.9755, 3), explore.number(0.97551, 3, 'down'),
              explore.number(0.97551, 2, 'up'), explore.number(0.3, 1, 'up'),
              explore.number(NaN), explore.number(-0.5, 1)]"""
        )
        forth = page.evaluate("[0, 0.5, 1].map(s => explore.angular(explore.fromAngular(s)))")
    assert said == ["0.976", "0.975", "0.98", "0.3", "–", "−0.5"]
    assert np.allclose(forth, [0, 0.5, 1])


# -- Everyone can reach them


@each_page
def test_it_is_there_within_a_second_without_a_network(browser, name, page):
    with begun(browser, name, page) as (shown, faults):
        box = drawn(shown, name)
        took = shown.evaluate(
            """name => {
              const box = document.getElementById(name);
              const began = performance.now();
              explore.start(box);
              return performance.now() - began;
            }""",
            name,
        )
        assert took < 1000
        assert box.locator("svg").count() and box.locator("[role=status]").count() == 1
        assert not faults


@each_page
def test_it_is_moved_by_keyboard_alone_and_says_so(browser, name, page):
    with begun(browser, name, page) as (shown, _):
        box = drawn(shown, name)
        slider = box.locator("input[type=range]").first
        slider.focus()
        before = box.locator("svg").first.inner_html()
        shown.keyboard.press("ArrowRight")
        shown.keyboard.press("ArrowRight")
        shown.wait_for_timeout(500)
        assert box.locator("svg").first.inner_html() != before
        assert any(sign.isdigit() for sign in box.locator("[role=status]").inner_text())
        state = shown.url
        controls = box.locator("input, select, button")
        controls.first.focus()
        reached = set()
        for _ in range(12):
            reached.add(shown.evaluate("document.activeElement.outerHTML"))
            shown.keyboard.press("Tab")
        for control in controls.all():
            assert not control.is_visible() or control.evaluate("e => e.outerHTML") in reached
    assert state.partition("?")[2].endswith(f"#{name}")
    with opened(browser, state) as (again, _):
        box = drawn(again, name)
        value = box.locator("input[type=range]").first.input_value()
        assert f"={float(value):g}" in state


@each_page
def test_a_pointer_drags_the_slider(browser, name, page):
    with begun(browser, name, page) as (shown, _):
        box = drawn(shown, name)
        slider, picture = box.locator("input[type=range]").first, box.locator("svg").first
        if name == "player":  # its panels come first
            picture = box.locator("svg.explorable-wide")
        picture.scroll_into_view_if_needed()
        place, found = picture.bounding_box(), []
        height = place["y"] + place["height"] / 3
        shown.mouse.move(place["x"] + place["width"] / 4, height)
        shown.mouse.down()
        for part in (0.25, 0.5, 2):
            shown.mouse.move(place["x"] + part * place["width"], height)
            found.append(float(slider.input_value()))
        shown.mouse.up()
        shown.mouse.move(place["x"] + place["width"] / 4, height)
        assert found[0] < found[1] < found[2] == float(slider.get_attribute("max"))
        assert float(slider.input_value()) == found[2]


def test_what_no_control_takes_is_left_out(browser):
    query = "?at=5&given=nothing&other=&spectrum=power&power=0.6"
    with begun(browser, "joint", "exact_ranges", query) as (page, faults):
        box = drawn(page, "joint")
        values = [one.input_value() for one in box.locator("input, select").all()]
        assert values == ["cka", "1", "procrustes-angular-score", "power", "0.5"] and not faults


@each_page
def test_a_link_of_the_text_sets_the_state(browser, name, page):
    with opened(browser, address(page)) as (shown, faults):
        link = shown.locator(f'article a[href*="?"][href$="#{name}"]').first
        asked = link.get_attribute("href").partition("?")[2].partition("#")[0].split("&")
        link.scroll_into_view_if_needed()
        drawn(shown, name)
        link.click()
        shown.wait_for_timeout(500)
        assert set(asked) <= set(shown.url.partition("?")[2].partition("#")[0].split("&"))
        assert shown.locator(f"#{name}").evaluate(
            "box => box.getBoundingClientRect().top < innerHeight"
        )
        assert not faults


@each_page
def test_a_phone_shows_the_control_with_what_it_moves(browser, name, page):
    with begun(browser, name, page, width=390) as (shown, _):
        box = drawn(shown, name)
        shown.evaluate("name => document.getElementById(name).scrollIntoView()", name)
        control = box.locator(".explorable-controls").bounding_box()
        picture = box.locator("svg").first.bounding_box()
        assert control["y"] + control["height"] <= 901 and picture["y"] < control["y"]
        assert shown.evaluate("document.documentElement.scrollWidth") <= 391


@each_page
def test_nothing_in_it_keeps_a_reader_out(browser, axe, name, page):
    with begun(browser, name, page) as (shown, faults):
        drawn(shown, name)
        shown.add_style_tag(content="* { transition: none !important }")
        shown.evaluate(axe)
        found = []
        for colours in ("light", "dark"):
            for width in WIDTHS.values():
                show(shown, colours, width)
                found += [[colours, width, *one] for one in findings(shown)]
                found += [[colours, width, *one] for one in shown.evaluate(CUT)]
        assert not found and not faults


@each_page
def test_where_motion_is_unwanted_it_moves_by_steps(browser, name, page):
    shown = browser.new_page(reduced_motion="reduce")
    shown.goto(address(page, "", name))
    box = drawn(shown, name)
    for button in box.locator("button", has_text="Next step").all():
        slider = box.locator("input[type=range]").first
        slider.fill("0.3")
        button.click()
        value = slider.input_value()
        shown.wait_for_timeout(400)
        assert value == slider.input_value() == "0.4"
    assert not box.locator("button", has_text="Play").count()
    shown.close()


@each_page
def test_without_scripts_the_text_stays(browser, name, page):
    context = browser.new_context(java_script_enabled=False)
    shown = context.new_page()
    shown.goto(address(page))
    box = shown.locator(f"#{name}")
    assert len(box.inner_text()) > 40 and box.bounding_box()["height"] < 200
    assert shown.locator("article figure img, article figure svg").count()
    context.close()


def test_the_player_plays_pauses_and_starts_again(browser):
    with begun(browser, "player", "intro") as (page, _):
        box = drawn(page, "player")
        slider, button = box.locator("#explorable-at"), box.locator("button")
        slider.fill("0.5")
        assert button.inner_text() == "Play"
        button.click()
        assert button.inner_text() == "Pause"
        page.wait_for_function("Number(document.getElementById('explorable-at').value) > 0.52")
        button.click()
        shown = float(slider.input_value())
        assert button.inner_text() == "Play" and shown > 0.52
        page.wait_for_timeout(500)
        assert float(slider.input_value()) == shown and f"at={shown:g}&" in page.url
        slider.fill("1")
        button.click()
        assert float(slider.input_value()) < 0.5


@each_page
def test_on_paper_the_picture_stays_without_its_controls(browser, name, page):
    with begun(browser, name, page) as (shown, _):
        box = drawn(shown, name)
        shown.emulate_media(media="print")
        assert box.locator("svg").first.is_visible()
        assert not box.locator(".explorable-controls").is_visible()


@each_page
def test_it_is_light(name, page):
    box = (HTML / f"{page}.html").read_text()
    box = box.partition(f'data-explorable="{name}"')[2].partition(">")[0]
    needs, parts = (re.findall(f'data-{kind}="(.*?)"', box) for kind in ("needs", "parts"))
    scripts = ["shared", *" ".join(parts).split(), name]
    files = [HTML / "vendor" / f"{one}_data.js" for one in ["measures", *" ".join(needs).split()]]
    files += [HTML / "_static" / "explorables" / f"{one}.js" for one in scripts]
    assert needs and sum(file.stat().st_size for file in files) < 300_000


def test_our_scripts_are_short():
    """More than the 900 lines planned: the exact ranges of CKA and NBS alone take some 180, reading
    and checking a reader's files 150.
    """
    folder = ROOT / "book" / "_static"
    scripts = [folder / "explorables.js", *(folder / "explorables").glob("*.js")]
    assert sum(len(script.read_text().splitlines()) for script in scripts) <= 1250


# -- What the text says of them


def test_a_flat_spectrum_binds_the_scores_most_closely():
    table = explorables.slider_ranges()
    at = table[(table["given"] == "cka") & (table["level"] == 0.9)].set_index("spectrum")
    width = at["highest"] - at["lowest"]
    assert width.idxmin() == "power-0.00" and not math.isnan(width.min())


def test_at_0_9_cka_the_toy_is_a_scribble():
    """Across the first PC of X it varies about as much as X, and by chance."""
    rows, X = nearest("toy-2d", "cka", 0.9), ascent_frames.target("toy-2d").points.reshape(-1, 2)
    Y = of_frame(rows, "point").reshape(-1, 2)
    r2 = of_frame(rows, "r2")
    assert r2[0] > 0.9 and r2[1] < 0.3
    across = [one[:, 1].var() / one.var(0).sum() for one in (X, Y)]
    assert 0.5 < across[1] / across[0] < 1.5
    assert of_frame(nearest("toy-2d", "procrustes-angular-score", 0.9), "r2")[1] > 0.6


@needs_tables
@pytest.mark.parametrize(
    ("measure", "variable", "least", "most"),
    [
        ("cka", "context", 0.5, 0.6),
        ("procrustes-angular-score", "context", 0.85, 1),
        ("cka", "response", 0.7, 1),
    ],
)
def test_at_0_9_published_cka_hardly_knows_the_context(measure, variable, least, most):
    """Of two classes each."""
    table = paper.published_variables(["surrogate-siegel2015"])
    run = table[(table["published_measure"] == measure) & (table["name"] == variable)]
    assert least < curves.at_scores(run, np.array([0.9]))[0] < most


@pytest.mark.parametrize(
    ("measure", "least", "most"),
    [
        ("cka", 0, 0.5),
        ("procrustes-angular-score", 0.9, 1),
        ("linreg", -0.1, 0.5),
        ("ridge", 0, 0.5),
    ],
)
def test_at_0_9_some_know_the_texture_and_others_do_not(measure, least, most):
    """Of the way from chance to X."""
    X = ascent_frames.target("surrogate-freemanziemba2013")
    accuracy = of_frame(nearest("surrogate-freemanziemba2013", measure, 0.9), "accuracy")[0]
    assert least < (accuracy - X.chance) / (X.accuracy - X.chance) < most


def test_a_frame_is_measured_on_the_very_y_of_its_score():
    X = sl.datasets.load("toy-2d")
    table, seen = ascent_frames.frames(["toy-2d"], ["cka"]), []

    def observe(step, score, Y):
        accuracy = sl.decoding_accuracy(Y, X["choice"].values, folds=3)
        seen.append([sl.score("cka", X, Y), accuracy, *sl.captured_variance(X, Y)])

    sl.maximize("cka", X, observers=[observe], **ascent_frames.ASCENT)
    frames = [rows for _, rows in table.groupby("step")]
    stored = [
        [rows["score"].iloc[0], *of_frame(rows, "accuracy"), *of_frame(rows, "r2")]
        for rows in frames
    ]
    assert np.allclose(seen, stored, rtol=0, atol=CLOSE)


def hue(code: str) -> float:
    return 360 * colorsys.rgb_to_hsv(*(int(code[k : k + 2], 16) for k in (0, 2, 4)))[0]


def test_the_colours_of_the_points_are_no_measures():
    """Hues on the circle, in degrees."""
    script = (HTML / "_static" / "explorables" / "player.js").read_text()
    measures = (HTML / "vendor" / "measures_data.js").read_text()
    own = [hue(code) for code in re.findall("#([0-9A-F]{6})", script)]
    theirs = {hue(code) for code in re.findall("#([0-9A-F]{6})", measures)}
    assert len(own) == 2 and len(theirs) == 6
    assert all(min((a - b) % 360, (b - a) % 360) > 20 for a in own for b in theirs)


def test_what_the_states_of_the_theory_show():
    state = {"spectrum": "mante2013", "power": 1, "angle": 0, "scale": 0.1, "penalty": 0.01}
    first, tenth = (of_theory(state | {"change": "replaced", "pc": pc}) for pc in (1, 10))
    assert first["cka"] < first["nbs"] and tenth["cka"] > 0.998
    assert of_theory(state | {"change": "rescaled", "pc": 1})["linreg"] == 1
