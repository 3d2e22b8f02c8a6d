"""Formulas typeset while the book is built, as MathML: browsers draw it without a script.

A displayed formula is cut at its outer relations and signs, where the line may break on a narrow
screen; rows of `aligned` and `gathered` are rows of a grid.
"""

import html
import re

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

# What the converter lacks, by what it has.
WRITTEN = {
    r"\\dots\b": r"\\ldots",
    r"\\(?:bigg?|Bigg?)[lr]?(?![A-Za-z])\s*": "",
    "°": r"^\\circ",
    r"\\!": "",
}
# Bars of norms and slashes neither stretch nor stand apart.
BARS = re.compile('<mo(?: class="mathopen"| stretchy="false")?>([‖|/])</mo>')
SIGN = re.compile("^(<math[^>]*><mo)(?=>[+−-]<)")  # goes on with a sum
ROWS = re.compile(r"\\begin\{(aligned|gathered|split)\}(.*)\\end\{\1\}(.*)", re.S)
TOKEN = re.compile(
    r"\\(?:begin|end)\{\w+\*?\}|\\(?:left|right)\s*\\?.|\\[A-Za-z]+|\\.|\s+|[^\\\s]", re.S
)
OPENS = {"{", "(", "[", r"\{", r"\lVert", r"\lvert", r"\langle"}
CLOSES = {"}", ")", "]", r"\}", r"\rVert", r"\rvert", r"\rangle"}
RELATIONS = {"=", "<", ">", r"\le", r"\ge", r"\approx", r"\equiv", r"\to", r"\mapsto", r"\propto"}
SIGNS = {"+", "-", r"\pm"}
SPACES = {r"\qquad", r"\quad"}
JOINER = "&#8288;"  # what follows without a space, a full stop say, stays in the formula's line
NOT_SUMMED = RELATIONS | SIGNS | SPACES | {"", "_", "^", ",", "|"}  # a sign after these is no sum's


def setup(app):
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_displayed, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def mathml(tex: str, displayed: bool = False) -> str:
    """One formula, or one part of a displayed one, as a MathML element."""
    for pattern, known in WRITTEN.items():
        tex = re.sub(pattern, known, tex)
    text = "".join(line.strip() for line in tex2mathml(tex.strip()).splitlines())
    text = BARS.sub(r'<mo stretchy="false" lspace="0" rspace="0">\1</mo>', text)
    text = text.replace('class="capital-greek"', 'mathvariant="normal"')
    if displayed:
        text = text.replace("<math", '<math displaystyle="true"', 1)
    return text


def parts(tex: str) -> list[str]:
    """A formula cut before its outer relations and signs and after its outer wide spaces.

    >>> parts(r"f(a + b) = c + d, \\qquad e^{-x} = 1")
    ['f(a + b)', '= c', '+ d,', '\\\\qquad', 'e^{-x}', '= 1']
    """
    found, depth, last = [""], 0, ""
    for token in TOKEN.findall(tex):
        cuts = token in RELATIONS or (token in SIGNS and last not in NOT_SUMMED)
        if depth == 0 and token in SPACES:
            found += [token, ""]
        elif depth == 0 and cuts and last not in ("_", "^"):
            found.append(token)
        else:
            found[-1] += token
        if token in OPENS or token.startswith((r"\begin{", r"\left")):
            depth += 1
        elif token in CLOSES or token.startswith((r"\end{", r"\right")):
            depth -= 1
        last = token if token.strip() else last
    return [part.strip() for part in found if part.strip()]


def breakable(tex: str, displayed: bool = True) -> str:
    """A formula in a line of text, or a row of a displayed one: its parts, between which the line
    may break.
    """
    pieces = [
        '<span class="formula-space"></span>' if part in SPACES else mathml(part, displayed)
        for part in parts(tex)
    ]
    pieces[1:] = [SIGN.sub(r'\1 form="infix"', piece) for piece in pieces[1:]]
    return "<wbr>".join(pieces)


def rows(tex: str) -> str:
    """A displayed formula as HTML, a grid where it is aligned in rows."""
    found = ROWS.fullmatch(tex.strip())
    if not found:
        return breakable(tex)
    kind, body, end = found.groups()
    lines = [line for line in re.split(r"\\\\(?:\[[^]]*\])?", body) if line.strip()]
    lines[-1] += end
    if kind == "gathered" or not any("&" in line for line in lines):
        return "".join(f"<div>{breakable(line)}</div>" for line in lines)
    cells = [[*line.split("&", 1), ""][:2] for line in lines]
    grid = "".join(
        f'<div class="formula-left">{breakable(left) if left.strip() else ""}</div>'
        f"<div>{breakable(right.replace('&', ''))}</div>"
        for left, right in cells
    )
    return f'<div class="formula-rows">{grid}</div>'


def visit_inline(self, node: nodes.math) -> None:
    self.body.append(typeset(node, lambda tex: breakable(tex, displayed=False)) + JOINER)
    raise nodes.SkipNode


def visit_displayed(self, node: nodes.math_block) -> None:
    self.body.append(self.starttag(node, "div", CLASS="formula"))
    self.body.append(f'<div class="formula-body">{typeset(node, rows)}</div>')
    if node["number"]:
        self.body.append(f'<span class="eqno">({get_node_equation_number(self, node)})')
        self.add_permalink_ref(node, "Link to this equation")
        self.body.append("</span>")
    self.body.append("</div>\n")
    raise nodes.SkipNode


def typeset(node, how) -> str:
    """The formula, or a warning and its source where the converter knows no answer."""
    try:
        return how(node.astext())
    except MathError as error:
        logging.getLogger(__name__).warning("formula: %s", error, location=node)
        return f"<code>{html.escape(node.astext())}</code>"
