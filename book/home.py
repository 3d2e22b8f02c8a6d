"""What the first page takes from the executed notebooks of this very build: its answer, its picture
and what both were made of. Without them it says so, and shows no numbers.
"""

import base64
from pathlib import Path

import nbformat
import yaml

BOOK = Path(__file__).resolve().parent
PAGE = "score_vs_decodability"
KINDS = {"image/svg+xml": "svg", "image/png": "png"}
NOT_MADE = "The answer in numbers has not been computed on this machine yet: `make book` does it."
PAPER = "https://arxiv.org/abs/2407.07059"


def files() -> dict[str, bytes]:
    """The pieces that intro.md includes, by their names."""
    found, cells = {"home_answer.txt": NOT_MADE, "home_picture.txt": ""}, outputs()
    if {"home-words", "home-picture", "made-of"} <= set(cells):
        words, made = (shown(cells[name], "text/markdown") for name in ("home-words", "made-of"))
        kind = next(kind for kind in KINDS if shown(cells["home-picture"], kind))
        picture = shown(cells["home-picture"], kind)
        path = f"home.{KINDS[kind]}"
        found[path] = picture if kind == "image/svg+xml" else base64.b64decode(picture)
        alt = cells["home-picture"].metadata["mystnb"]["image"]["alt"]
        found["home_answer.txt"] = f"{words}\n\n{made}"
        found["home_picture.txt"] = f"```{{image}} _generated/{path}\n:alt: {alt}\n```"
    code = yaml.safe_load((BOOK / "address.yml").read_text())["repository"]
    found["home_buttons.txt"] = buttons(code)
    found["where.txt"] = f"The code lies at <{code}>: `git clone {code}`." if code else ""
    return {
        n: text if isinstance(text, bytes) else f"{text}\n".encode() for n, text in found.items()
    }


def outputs() -> dict:
    """The cells of the executed page by their ids; none where it was not made."""
    page = BOOK / "figures" / f"{PAGE}.ipynb"
    cells = nbformat.read(page, as_version=4).cells if page.exists() else []
    return {cell.id: cell for cell in cells if cell.get("outputs")}


def shown(cell, kind: str) -> str:
    """The first output of this kind, "" where there is none."""
    found = [output["data"][kind] for output in cell.outputs if kind in output.get("data", {})]
    return "".join(found[0]) if found else ""


def buttons(code: str) -> str:
    """Paper, code, install, cite; the code only where address.yml says where it lies."""
    lines = [f"```{{button-link}} {PAPER}\n:color: primary\nPaper\n```"]
    if code:
        lines.append(f"```{{button-link}} {code}\n:color: primary\n:outline:\nCode\n```")
    for page, word in (("get_code", "Install"), ("references", "Cite")):
        lines.append(
            f"```{{button-ref}} {page}\n:ref-type: doc\n:color: primary\n:outline:\n{word}\n```"
        )
    return "\n".join(lines)
