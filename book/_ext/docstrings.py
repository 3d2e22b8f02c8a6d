"""Show docstrings as they are written: plain text with formulas, not reStructuredText.

References that they name become links to the bibliography.
"""

import re
import textwrap

import citations

SECTIONS = ("Args:", "Attributes:", "Returns:", "Raises:", "Example:")


def setup(app):
    app.connect("autodoc-process-docstring", rewrite)
    return {"parallel_read_safe": True}


def rewrite(app, what, name, obj, options, lines: list[str]) -> None:
    """Replace the lines of a docstring, in place, by text that means the same to Sphinx."""
    paragraphs = re.split(r"\n\s*\n", "\n".join(lines).strip("\n"))
    text = "\n\n".join(show(paragraph) for paragraph in paragraphs if paragraph.strip())
    lines[:] = [*text.splitlines(), ""]


def show(paragraph: str) -> str:
    """An indented paragraph or an example word for word, any other as text or as a section."""
    heading, _, body = paragraph.partition("\n")
    if heading in SECTIONS:
        return f"**{heading[:-1]}**\n\n{section(heading, textwrap.dedent(body))}"
    if paragraph.startswith((" ", ">>>")):
        return "::\n\n" + "\n".join(f"    {line}" for line in paragraph.splitlines())
    return "".join(
        f"``{part.strip('`')}``" if part.startswith("`") else prose(part)
        for part in re.split(r"(`+[^`\s](?:[^`]*[^`\s])?`+)", paragraph)
    )


def prose(text: str) -> str:
    escaped = re.sub(r"([\\*`|_<>])", r"\\\1", text)
    return citations.cited(escaped, ":cite:t:`{}`".format)


def section(heading: str, body: str) -> str:
    """A list with an item an entry, where entries are `name: what it is`; else as it stands."""
    if heading in ("Returns:", "Example:"):
        return show(body)
    entries = [" ".join(entry.split()) for entry in re.split(r"\n(?! )", body)]
    named = [re.sub(r"^([\w, ]+):", r"`\1`:", entry) for entry in entries]
    return "\n".join(f"- {show(entry)}" for entry in named)
