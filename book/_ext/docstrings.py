"""Show docstrings as they are written: plain text with formulas, not reStructuredText."""

from __future__ import annotations

import re


def setup(app):
    app.connect("autodoc-process-docstring", rewrite)
    return {"parallel_read_safe": True}


def rewrite(app, what, name, obj, options, lines: list[str]) -> None:
    """Replace the lines of a docstring, in place, by text that means the same to Sphinx."""
    paragraphs = re.split(r"\n\s*\n", "\n".join(lines).strip("\n"))
    text = "\n\n".join(show(paragraph) for paragraph in paragraphs if paragraph.strip())
    lines[:] = [*text.splitlines(), ""]


def show(paragraph: str) -> str:
    """An indented paragraph or an example word for word, any other as running text."""
    if paragraph.startswith((" ", ">>>")):
        return "::\n\n" + "\n".join(f"    {line}" for line in paragraph.splitlines())
    return "".join(
        f"``{part.strip('`')}``" if part.startswith("`") else re.sub(r"([\\*`|_<>])", r"\\\1", part)
        for part in re.split(r"(`+[^`\s](?:[^`]*[^`\s])?`+)", paragraph)
    )
