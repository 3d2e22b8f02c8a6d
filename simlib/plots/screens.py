"""A figure as SVG, at the size at which a page shows it: its panels as drawn for a wide screen, one
below the other for a phone.
"""

import io
import re
import textwrap

from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.collections import PathCollection, QuadMesh
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from matplotlib.legend import Legend

__all__ = ["NARROW", "SMALL", "WIDE", "note", "svg"]

WIDE, NARROW = 7.15, 3.7  # inches of a column of text: at 1280 and at 390 pixels
SMALL = 8.5  # points, the least size of text: 11 pixels
LETTERS = 15  # of the least size, to an inch
LINE = 0.16  # inches
MANY = 200  # points that weigh less as a picture
SIZED = re.compile(r'<svg (.*?)width="\d+" height="\d+"', re.S)
UNSEEN = r"<!--.*?-->|<metadata>.*?</metadata>|\n\s*(?=<)"
LETTER = re.compile(r'<path id="D[^"]*" d="[^"]*"[^>]*/>')
GLYPH = r'<use xlink:href="(#D[^"]+)" transform="translate\(([-\d.]+) ([-\d.]+)\)"/>'


def svg(figure: Figure) -> str:
    """The figure, and below it, outside of what is shown, the same with its panels in one column.

    The second one is shown under the fragment `#narrow`. A grid of numbers has none: it keeps its
    width. The figure's layout is the narrow one afterwards.
    """
    figure.set_dpi(2 * 96)  # of what isn't drawn as lines
    for points in (part for ax in figure.axes for part in ax.collections):
        points.set_rasterized(
            isinstance(points, PathCollection) and len(points.get_offsets()) > MANY
        )
    wide = _drawn(figure)
    if any(isinstance(part, QuadMesh) for ax in _panels(figure) for part in ax.collections):
        return wide
    stack(figure)
    narrow = _drawn(figure)
    across, down = _size(narrow)
    top = _size(wide)[1] + 20
    at = f'<svg y="{top:g}" width="{across:g}" height="{down:g}"'
    placed = SIZED.sub(rf"{at} \1", narrow[narrow.index("<svg") :], count=1)
    shapes = set(LETTER.findall(wide))  # each letter is drawn once, for both
    placed = LETTER.sub(lambda found: "" if found[0] in shapes else found[0], placed)
    view = f'<view id="narrow" viewBox="0 {top:g} {across:g} {down:g}"/>'
    return wide.replace("</svg>", f"{view}\n{placed.strip()}\n</svg>")


def _drawn(figure: Figure) -> str:
    file = io.StringIO()
    FigureCanvasSVG(figure).print_svg(file, metadata={"Date": None, "Creator": None})
    text = re.sub(UNSEEN, "", file.getvalue(), flags=re.S)
    text = re.sub(r"([1-9]\d*\.\d\d)\d+", r"\1", text)  # hundredths of a point
    text = text.replace("#DejaVuSans-", "#D").replace('id="DejaVuSans-', 'id="D')
    text = re.sub(GLYPH, r'<use xlink:href="\1" x="\2" y="\3"/>', text)
    width, height = (float(size) for size in re.findall(r'(?:width|height)="([\d.]+)pt"', text)[:2])
    size = f'width="{width / 0.75:.0f}" height="{height / 0.75:.0f}"'
    return re.sub(r'width="[\d.]+pt" height="[\d.]+pt"', size, text, count=1)


def _size(text: str) -> tuple[float, float]:
    """Width and height of a drawing in its own units."""
    _, _, width, height = map(float, re.search(r'viewBox="([^"]+)"', text)[1].split())
    return width, height


def _panels(figure: Figure) -> list[Axes]:
    """The axes that have a place in a grid: not those of a bar of colours."""
    return [ax for ax in figure.axes if ax.get_subplotspec() and ax.get_label() != "<colorbar>"]


def stack(figure: Figure) -> None:
    """Put a figure's panels one below the other, as wide as a phone's column; break what is too
    long for it.
    """
    panels = _panels(figure)
    shares = {ax: figure.get_figheight() * _share(ax) for ax in panels}
    for ax in panels:
        ax.tick_params(labelbottom=True, labelleft=True)  # shared axes named them once
        if "$" not in ax.get_title(loc="left"):
            lines = ax.get_title(loc="left").splitlines()
            ax.set_title("\n".join(textwrap.fill(line, 42) for line in lines))
        shares[ax] = max(shares[ax], _break_names(ax))
    legends = [ax.get_legend() for ax in panels if ax.get_legend()]
    for legend in legends:
        if legend.get_window_extent().width > (NARROW - 0.3) * figure.dpi:
            shares[legend.axes] = max(shares[legend.axes], _reflow(legend, shares[legend.axes]))
        elif not legend.axes.axison:
            rows = legend.get_window_extent().height / figure.dpi
            shares[legend.axes] = min(shares[legend.axes], rows + 0.2)
    grid = GridSpec(len(panels), 1, figure, height_ratios=list(shares.values()))
    for ax, place in zip(panels, grid, strict=True):
        ax.set_subplotspec(place)
    figure.set_size_inches(NARROW, sum(shares.values()))
    if figure.get_supxlabel():
        note(figure, figure.get_supxlabel(), NARROW)


def note(figure: Figure, text: str, width: float) -> None:
    """Write below a figure, in lines for this width in inches."""
    lines = textwrap.fill(" ".join(text.split()), int(LETTERS * width))
    figure.supxlabel(lines, fontsize=SMALL, style="italic", color="#555555")


def _share(ax: Axes) -> float:
    """Of the figure's height, what this panel's row takes."""
    place = ax.get_subplotspec()
    ratios = place.get_gridspec().get_height_ratios() or [1] * place.get_gridspec().nrows
    return sum(ratios[row] for row in place.rowspan) / sum(ratios)


def _break_names(ax: Axes) -> float:
    """Break names of rows after 24 letters; the height that they then need, in inches."""
    names = [label.get_text() for label in ax.get_yticklabels()]
    if max(map(len, names), default=0) <= 24:
        return 0
    broken = [textwrap.fill(" ".join(name.split()), 24) for name in names]
    ax.set_yticks(ax.get_yticks(), broken)
    return LINE * len(names) * max(name.count("\n") + 1 for name in broken) + 1


def _reflow(legend: Legend, height: float) -> float:
    """The same legend in one column; its height in inches where it stands alone, else 0 (below the
    panel, whose height is given).
    """
    alone = not legend.axes.axison
    place = {"loc": "center"} if alone else {"loc": "upper center"}
    place |= {} if alone else {"bbox_to_anchor": (0.5, -0.7 / height)}
    names, title = [text.get_text() for text in legend.get_texts()], legend.get_title().get_text()
    new = legend.axes.legend(legend.legend_handles, names, title=title, frameon=False, **place)
    return new.get_window_extent().height / legend.figure.dpi + 0.2 if alone else 0
