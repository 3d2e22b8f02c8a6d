"""What moves in the book: the numbers are simlib's, and everyone can reach them."""

import math
import random
import time

import numpy as np
import pytest
from built_book import HTML, needs_book, needs_chromium, opened

from simlib import exact_ranges
from simlib.experiments import explorables

pytestmark = [pytest.mark.browser, needs_chromium, needs_book]
PAGES = {"joint": ["exact_ranges"]}
STATES = 1000
CLOSE = 1e-6
EVERY = [(name, page) for name, pages in PAGES.items() for page in pages]
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


def test_the_joint_ranges_are_those_of_simlib(browser):
    """The stored ones lie on the slider's places; those with linear regression are computed in the
    page.
    """
    rng, spectra = random.Random(0), explorables.spectra()
    measures = [*explorables.OTHERS, "linreg"]
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
        started = time.process_time()
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
        assert took < 1000 and time.process_time() - started < 10
        assert box.locator("svg").count() and box.locator("[role=status]").count() == 1
        assert not faults


@each_page
def test_it_is_moved_by_keyboard_alone_and_says_so(browser, name, page):
    with begun(browser, name, page) as (shown, _):
        box = drawn(shown, name)
        slider = box.locator("input[type=range]").first
        slider.focus()
        before = box.locator("svg").first.inner_html()
        shown.keyboard.press("ArrowLeft")
        shown.keyboard.press("ArrowLeft")
        shown.wait_for_timeout(500)
        assert box.locator("svg").first.inner_html() != before
        assert any(sign.isdigit() for sign in box.locator("[role=status]").inner_text())
        state = shown.url
        reached = set()
        for _ in range(40):
            shown.keyboard.press("Tab")
            reached.add(
                shown.evaluate(
                    "name => document.activeElement.closest('#' + name) "
                    "&& document.activeElement.outerHTML",
                    name,
                )
            )
        visible = "e => e.filter(one => one.checkVisibility()).length"
        controls = box.locator("input, select, button").evaluate_all(visible)
        assert len(reached - {None}) >= controls - 1
    assert state.partition("?")[2].endswith(f"#{name}")
    with opened(browser, state) as (again, _):
        box = drawn(again, name)
        value = box.locator("input[type=range]").first.input_value()
        assert f"={float(value):g}" in state


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
def test_without_scripts_the_text_stays(browser, name, page):
    context = browser.new_context(java_script_enabled=False)
    shown = context.new_page()
    shown.goto(address(page))
    box = shown.locator(f"#{name}")
    assert len(box.inner_text()) > 40 and box.bounding_box()["height"] < 200
    assert shown.locator("article figure img, article figure svg").count()
    context.close()


@each_page
def test_it_is_light(name, page):
    box = (HTML / f"{page}.html").read_text()
    needs = box.partition(f'data-explorable="{name}" data-needs="')[2].partition('"')[0].split()
    files = [HTML / "vendor" / f"{one}_data.js" for one in needs]
    files += [HTML / "_static" / "explorables" / f"{one}.js" for one in ("shared", name)]
    assert needs and sum(file.stat().st_size for file in files) < 300_000


def test_our_scripts_are_short():
    scripts = [HTML / "_static" / "explorables.js", *(HTML / "_static/explorables").glob("*.js")]
    assert sum(len(script.read_text().splitlines()) for script in scripts) <= 900


# -- What the text says of them


def test_a_flat_spectrum_binds_the_scores_most_closely():
    table = explorables.slider_ranges()
    at = table[(table["given"] == "cka") & (table["level"] == 0.9)].set_index("spectrum")
    width = at["highest"] - at["lowest"]
    assert width.idxmin() == "power-0.00" and not math.isnan(width.min())
