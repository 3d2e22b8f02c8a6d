"""The page that scores a reader's own two arrays: its numbers are simlib's, its words are too, and
it asks for nothing. The scripts are opened from files, without the rest of the book.
"""

import hashlib
import io
import shutil
import warnings

import numpy as np
import pandas as pd
import pytest
from built_book import ROOT, needs_chromium, of_book, opened

import simlib as sl
from simlib import calibration, exact_ranges, validation

pytestmark = [pytest.mark.browser, needs_chromium]

STATIC = ROOT / "book" / "_static"
PAGE = """<!doctype html><html lang=en><meta charset=utf-8><title>Score</title>
<script src=_static/explorables.js></script><main><h1>Score</h1>{box}</main></html>"""
MEASURES = ("cka", "cka-debiased", "nbs", "procrustes-angular-score", "linreg", "rsa")
CLOSE = 1e-6


# As in the npm packages of these versions.
LIBRARIES = {
    "fflate 0.8.3": "462ef8041fc970e3615a20a9dd2b2e3047a073b2da729ef4f02b634bba8b7b83",
    "ml-matrix 6.15.1": "a5567df4093ecbc4d492fc9fa10e08eb23cbebdcb3f19d384b4a8b4ab2fce613",
}


@pytest.mark.parametrize("version", LIBRARIES)
def test_a_library_is_the_published_one(version):
    (script,) = (ROOT / "book" / "third_party" / version.split()[0]).glob("*.js")
    assert hashlib.sha256(script.read_bytes()).hexdigest() == LIBRARIES[version]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The page's address; it weighs less than 300 kB with its library and sample."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "vendor").mkdir()
    book = of_book("explorables")
    measures = book.script("measures", book.measures())
    (folder / "vendor" / "measures_data.js").write_bytes(measures)
    (folder / "vendor" / "scorer_data.js").write_bytes(of_book("scorer_data").script())
    shutil.copytree(STATIC, folder / "_static")
    source = (ROOT / "book" / "score_your_own.md").read_text()
    box = source[source.index("<div class=") : source.index("## ")].partition("<a href")[0]
    (folder / "page.html").write_text(PAGE.format(box=box))
    scripts = [*(STATIC / "explorables").glob("*.js"), *(folder / "vendor").glob("*.js")]
    assert sum(path.stat().st_size for path in scripts) < 300_000
    return (folder / "page.html").as_uri()


@pytest.fixture
def page(browser, site):
    with opened(browser, site) as (page, faults):
        page.wait_for_selector("[data-started=yes]")
        yield page
        assert not faults


# -- Numbers

SCORE = """cases => {
  explore.data.mlMatrix();
  const score = explore.data.scorerNumbers(mlMatrix);
  return cases.map(({ shapes, values, orders }) => {
    const sides = shapes.map((shape, k) => (
      { name: 'XY'[k], shape, values: Float64Array.from(values[k]) }));
    const found = score(sides, orders);
    return { ...found, shares: [...found.shares] };
  });
}"""


def pairs(seed: int, count: int):
    """Pairs of arrays of all kinds, with 3 orders of Y's trials each."""
    rng = np.random.default_rng(seed)
    for number in range(count):
        trials = int(rng.choice([3, 4, 6, 10, 25, 40]))
        times, most = (1, 2, 5)[number % 3], 50 if trials > 5 else 6
        shape = (trials,) if times == 1 else (times, trials)
        X, Y = (rng.standard_normal((*shape, rng.integers(1, most))) for _ in "XY")
        shared, kind = min(X.shape[-1], Y.shape[-1]), number % 8
        if kind in (1, 2, 3):
            Y[..., :shared] += rng.uniform(0, 3) * X[..., :shared]
        if kind == 2:  # far from 0
            X += 10.0 ** rng.integers(0, 5)
        if kind == 3:  # neurons in other units, and a constant one
            Y = Y * 10.0 ** rng.uniform(-3, 3, Y.shape[-1])
            Y[..., 0] = 5 if Y.shape[-1] > 1 else Y[..., 0]
        if kind == 4:  # rounded to float32
            X, Y = (Z.astype(np.float32).astype(float) for Z in (X, Y))
        if kind == 5:  # columns that depend on each other
            Y[..., -1] = 2 * Y[..., 0]
        if kind == 6:  # whole numbers
            X, Y = np.round(3 * X), np.round(3 * Y) + 1
            X[..., 0].flat[0] += 1  # not constant
            Y[..., 0].flat[0] += 10
        if kind == 7:
            X, Y = 1e20 * X, 1e-30 * Y
        yield X, Y, [rng.permutation(trials) for _ in range(3)]


def asked(X, Y, orders) -> dict:
    times, trials = X.shape[0] if X.ndim == 3 else 1, X.shape[-2]
    whole = [[time * trials + int(k) for time in range(times) for k in order] for order in orders]
    values = [X.ravel().tolist(), Y.ravel().tolist()]
    return {"shapes": [X.shape, Y.shape], "values": values, "orders": whole}


def agree(found: dict, X, Y, orders) -> None:
    for measure in MEASURES:
        if "note" in found[measure]:  # why it isn't defined, in the same words
            with pytest.raises(ValueError) as error:
                sl.score(measure, X, Y)
            words = str(error.value).replace(
                "it is not defined on them", "not defined on these two"
            )
            assert found[measure]["note"] in words
        else:
            assert found[measure]["value"] == pytest.approx(sl.score(measure, X, Y), abs=CLOSE)
    if X.ndim == 2:
        for measure in ("cka", "linreg"):
            chance = calibration.expected_by_chance(measure, X, Y)
            assert found[measure]["chance"] == pytest.approx(chance, abs=CLOSE)
    captured, shares = sl.captured_variance(X, Y), sl.components.explained_variance(X)
    p = len(found["shares"])
    assert np.abs(shares[:p] - found["shares"]).max() < CLOSE and shares[p:].sum() < CLOSE
    assert np.abs(captured[:p] - found["r2"]).max() < CLOSE
    if "note" not in found["rsa"]:
        null = [sl.score("rsa", X, Y[..., order, :]) for order in orders]
        assert found["rsa"]["others"] == pytest.approx(null, abs=CLOSE)
        value = found["rsa"]["value"]
        p = (1 + sum(one >= value - 2e-6 for one in null)) / (1 + len(null))
        assert found["rsa"]["p"] == pytest.approx(p)


@pytest.mark.unchecked
def test_a_thousand_pairs_of_arrays_score_as_in_python(page):
    for seed in range(10):
        cases = list(pairs(seed, 100))
        answers = page.evaluate(SCORE, [asked(*case) for case in cases])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for found, case in zip(answers, cases, strict=True):
                agree(found, *case)


# -- Exact ranges

RANGES = """cases => cases.map(({ shares, columns, asked }) => {
  const range = explore.data.exactRanges(shares, columns);
  return asked.map(([given, level, other]) => range(given, other, level));
})"""


def spectra(seed: int, count: int):
    """Shares of all kinds, columns of Y and a level for each pair of scores."""
    rng = np.random.default_rng(seed)
    ids = ("cka", "nbs", "linreg")
    for number in range(count):
        p = int(rng.choice([1, 2, 3, 4, 5, 8, 8, 20]))
        variances = (
            rng.gamma(0.5, size=p) + 1e-4,
            np.arange(1, p + 1) ** -rng.uniform(0.2, 3),
            rng.uniform(0.01, 1, p),
        )[number % 3]
        shares = np.sort(variances / variances.sum())[::-1]
        asked = [(a, rng.uniform(0.02, 0.99), b) for a in ids for b in ids if a != b]
        yield shares, p + int(rng.choice([0, 0, 1, 5, -1])) or 1, asked


@pytest.mark.unchecked
def test_exact_ranges_are_those_of_python(page):
    cases = list(spectra(0, 60))  # of 6 ranges each
    sent = [{"shares": c[0].tolist(), "columns": c[1], "asked": c[2]} for c in cases]
    for answers, (shares, columns, asked) in zip(page.evaluate(RANGES, sent), cases, strict=True):
        for found, (given, level, other) in zip(answers, asked, strict=True):
            if columns < len(shares) and "linreg" not in (given, other):
                assert found == []
                continue
            ends = exact_ranges.score_range(shares, given, level, other, columns)
            ends = [] if np.isnan(ends).any() else np.array(ends)
            assert len(found) == len(ends)
            assert found == pytest.approx(ends, abs=CLOSE), (shares, columns, given, level, other)


def test_where_the_second_kind_wins_the_least_cka_lies_little_above(page):
    """The page takes the first kind, and says so: 1 and 25 times 0.2, as on the page of ranges."""
    shares = np.array([1, *[0.2] * 25]) / 6
    sent = [{"shares": shares.tolist(), "columns": 26, "asked": [("nbs", 0.9875, "cka")]}]
    ((low, _),) = page.evaluate(RANGES, sent)[0]
    exact, _ = exact_ranges.score_range(shares, "nbs", 0.9875, "cka")
    assert exact < low < exact + 0.01


# -- Files

RNG = np.random.default_rng(0)
X = np.round(20 * RNG.standard_normal((12, 4)))
Y = np.round(20 * RNG.standard_normal((12, 3)) + X[:, :3])


def npy(values, save=np.save, **named) -> bytes:
    file = io.BytesIO()
    save(file, **named) if named else save(file, values)
    return file.getvalue()


def text(values, **options) -> bytes:
    return pd.DataFrame(values).to_csv(**options).encode()


def choose(page, X: tuple[str, bytes], Y: tuple[str, bytes]) -> str:
    """What the page says once both files are there."""
    for side, (name, content) in {"X": X, "Y": Y}.items():
        page.evaluate(
            "document.querySelector('#scorer [role=status]').textContent = 'No files yet.'"
        )
        file = {"name": name, "mimeType": "", "buffer": content}
        page.locator(f"#scorer-{side}").set_input_files(file)
    page.wait_for_function(
        """() => !/files yet|is missing|Scoring|being computed/.test(
            document.querySelector("#scorer [role=status]").textContent)"""
    )
    return page.locator("#scorer [role=status]").inner_text()


def scores_shown(page) -> list[str]:
    return page.locator("#scorer table").first.locator("td:nth-child(2)").all_inner_texts()


def scores_of(X, Y) -> list[str]:
    scores = (sl.score(measure, X, Y) for measure in MEASURES)
    return [f"{value:.3f}".replace("-", "\N{MINUS SIGN}") for value in scores]


WAYS = {
    "f8.npy": npy(X),
    "f4.npy": npy(X.astype("<f4")),
    "f2.npy": npy(X.astype("<f2")),
    "big-endian.npy": npy(X.astype(">f8")),
    "big-endian-whole.npy": npy(X.astype(">i4")),
    "i1.npy": npy(X.astype("i1")),
    "i8.npy": npy(X.astype("i8")),
    "fortran.npy": npy(np.asfortranarray(X)),
    "fortran-3.npy": npy(np.asfortranarray(X.reshape(3, 4, 4))),
    "plain.npz": npy(X, np.savez),
    "compressed.npz": npy(X, np.savez_compressed, labels=np.arange(12), rates=X),
    "no-names.csv": text(X, header=False, index=False),
    "names.csv": text(X, index=False, header=list("abcd")),
    "index.csv": text(X),
    "semicolons.csv": text(X, sep=";", index=False).replace(b"\n", b"\r\n\r\n"),
    "tabs.tsv": b"\xef\xbb\xbf" + text(X, sep="\t", index=False),
}


def test_every_way_to_write_numbers_is_read(page):
    for name, content in WAYS.items():
        page.reload()
        page.wait_for_selector("[data-started=yes]")
        third = name == "fortran-3.npy"
        said = choose(page, (name, content), ("y.npy", npy(Y.reshape(3, 4, 3) if third else Y)))
        assert said.startswith("X 3 × 4 × 4" if third else "X 12 × 4, Y 12 × 3"), (name, said)
        assert scores_shown(page) == scores_of(X, Y), name


def test_one_of_several_arrays_is_chosen(page):
    both = npy(None, np.savez_compressed, first=Y[:, :2], second=X)
    choose(page, ("both.npz", both), ("y.npy", npy(Y)))
    assert scores_shown(page) == scores_of(Y[:, :2], Y)
    page.get_by_label("Array of the file for X").select_option("1")
    page.locator("#scorer table").first.wait_for()
    assert scores_shown(page) == scores_of(X, Y)


HOLED = X.copy()
HOLED[2, 1] = np.nan
BAD = {
    "rows": X[:-1],
    "dissimilarities": np.abs(X[:, :1] - X[:, 0]),
    "times": X.reshape(3, 4, 4),
    "missing": HOLED,
    "missing in time": HOLED.reshape(3, 4, 4),
    "one row": X[:1],
    "one neuron": X[:, 0],
    "four axes": X.reshape(3, 2, 2, 4),
    "no neurons": X[:, :0],
    "constant": np.full((12, 2), 3.0),
    "constant but for rounding": 1e9 + 1e-8 * X,
    "text": X.astype(str),
    "complex": X + 1j,
    "objects": X.astype(object),
    "beyond 2^53": 2**60 - np.arange(12)[:, None],
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_input_is_named_as_in_python(page, kind):
    with pytest.raises((ValueError, TypeError)) as error:
        validation.pair(BAD[kind], Y)
    written = str(error.value).replace("complex128", "<c16")
    assert choose(page, ("x.npy", npy(BAD[kind])), ("y.npy", npy(Y))) == written
    assert page.locator("#scorer table").count() == 0


OTHER_BAD = {
    "words.csv": (b"a,b\n1,x\n2,3\n", "1 of 2 columns that are no numbers: 'b'"),
    "short.csv": (b"1,2\n3\n", "rows of the same length; row 2 has 1 values"),
    "empty.csv": (b"\n", "at least 2 samples and 1 neuron"),
    "hole.csv": (b"a,b\n1,\n2,3\n", "1 of 4 values that are NaN or infinite"),
    "cut.npy": (npy(X)[:-8], "ends early"),
    "other.npy": (b"nothing of that kind", "is no .npy file"),
    "other.npz": (b"nothing of that kind, and long enough", "is no .npz file"),
    "x.mat": (b"", "reads .npy, .npz and .csv files"),
}


@pytest.mark.parametrize("name", OTHER_BAD)
def test_a_bad_file_is_named(page, name):
    content, words = OTHER_BAD[name]
    page.locator("#scorer-Y").set_input_files({"name": "y.npy", "mimeType": "", "buffer": npy(Y)})
    page.wait_for_function("/X is missing/.test(document.body.innerText)")
    page.locator("#scorer-X").set_input_files({"name": name, "mimeType": "", "buffer": content})
    page.get_by_role("status").filter(has_text=words).wait_for()


# -- The page


def test_the_keyboard_alone_is_enough_and_nothing_is_asked_for(page, site):
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    for _ in range(2):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.type") == "file"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.locator("#scorer table").first.wait_for()
    assert (
        page.locator("#scorer [role=status]")
        .inner_text()
        .startswith("X 72 × 20, Y 72 × 20: CKA 0.90")
    )
    assert all(url.startswith("blob:") for url in requests)


def test_dropped_files_are_taken(page):
    page.evaluate(
        """([x, y]) => {
          const moved = new DataTransfer();
          for (const [name, bytes] of [["x.npy", x], ["y.npy", y]])
            moved.items.add(new File([new Uint8Array(bytes)], name));
          document.querySelector("#scorer").dispatchEvent(
            new DragEvent("drop", { dataTransfer: moved, bubbles: true, cancelable: true }));
        }""",
        [list(npy(X)), list(npy(Y))],
    )
    page.locator("#scorer table").first.wait_for()
    assert scores_shown(page) == scores_of(X, Y)


def test_the_page_answers_while_it_computes(page):
    """Timers of the page go on, since the numbers are made in a worker."""
    rng = np.random.default_rng(0)
    page.evaluate(
        """() => {
          const status = document.querySelector("#scorer [role=status]");
          window.ticks = 0;
          setInterval(() => { window.ticks += status.textContent === "Scoring ..."; }, 10);
        }"""
    )
    large = [(f"{side}.npy", npy(rng.standard_normal((1000, 200)))) for side in "XY"]
    assert "X 1000 × 200, Y 1000 × 200" in choose(page, *large)
    assert page.evaluate("window.ticks") > 20
