"""What pages of prose show of the executed notebooks of this very build: the first page its answer,
its picture and what both were made of; others a picture. Without a run there are no numbers.
"""

import base64
from pathlib import Path

import nbformat
from _ext import address

BOOK = Path(__file__).resolve().parent
KINDS = {"image/svg+xml": "svg", "image/png": "png"}
NOT_MADE = "The answer in numbers has not been computed on this machine yet: `make book` does it."
CHOSEN = "The dataset of this run whose task is furthest from decodable at a CKA of 0.9. "
PAPER = "https://arxiv.org/abs/2407.07059"


def files() -> dict[str, bytes]:
    """The pieces that intro.md includes, by their names."""
    cells = outputs("score_vs_decodability")
    found = picture("home", cells.get("home-picture"))
    for name, cell, before, missing in (
        ("answer", "home-words", "", NOT_MADE),
        ("made", "made-of", CHOSEN, ""),
    ):
        told = before + shown(cells[cell], "text/markdown") if cell in cells else missing
        found[f"home_{name}.txt"] = told
    found |= picture("exact", outputs("joint_score_ranges").get("exact-five"))
    found["home_buttons.txt"] = buttons(address.read().repository)
    return {
        n: text if isinstance(text, bytes) else f"{text}\n".encode() for n, text in found.items()
    }


def picture(name: str, cell) -> dict[str, str | bytes]:
    """The picture of a figure cell, and the text that includes it; no text without the cell."""
    kind = next((kind for kind in KINDS if cell and shown(cell, kind)), None)
    if kind is None:
        return {f"{name}_picture.txt": ""}
    path, content, alt = (
        f"{name}.{KINDS[kind]}",
        shown(cell, kind),
        cell.metadata["mystnb"]["image"],
    )
    whole = content if kind == "image/svg+xml" else base64.b64decode(content)
    text = f"```{{figure}} _generated/{path}\n:alt: {alt['alt']}\n```"
    return {path: whole, f"{name}_picture.txt": text}


def outputs(page: str) -> dict:
    """The cells of an executed page by their ids; none where it was not made."""
    page = BOOK / "figures" / f"{page}.ipynb"
    cells = nbformat.read(page, as_version=4).cells if page.exists() else []
    return {cell.id: cell for cell in cells if cell.get("outputs")}


def shown(cell, kind: str) -> str:
    """The first output of this kind, "" where there is none."""
    found = [output["data"][kind] for output in cell.outputs if kind in output.get("data", {})]
    return "".join(found[0]) if found else ""


def buttons(code: str) -> str:
    """Paper, code, install, cite; the code only where address.yml says where it lies."""
    links = [("Paper", PAPER), ("Code", code), ("Install", "get_code.html")]
    links.append(("Cite", "references.html#how-to-cite"))
    known = [(word, link) for word, link in links if link]
    looks = ["primary"] + ["outline-primary"] * len(known)
    line = "\n".join(
        f'<a class="sd-btn sd-btn-{look}" href="{link}">{word}</a>'
        for (word, link), look in zip(known, looks, strict=False)
    )
    return f"```{{raw}} html\n<p>\n{line}\n</p>\n```"
