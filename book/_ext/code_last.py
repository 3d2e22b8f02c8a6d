"""Pages of notebooks are read from the figure down: their code comes last, folded, in the order in
which it runs.
"""

from docutils import nodes
from myst_nb.sphinx_ import HideCodeCellNode
from sphinx.transforms import SphinxTransform

PRINTED = "What this cell prints, compared with the stored numbers by make test:"


class CodeLast(SphinxTransform):
    """Move the code of all cells, and the outputs that are hidden, to a section at the end."""

    default_priority = 400

    def apply(self, **kwargs) -> None:
        def is_cell(node) -> bool:
            return isinstance(node, nodes.container) and node.get("nb_element") == "cell_code"

        pages = [node for node in self.document.children if isinstance(node, nodes.section)]
        cells = list(self.document.findall(is_cell))
        if not (pages and cells):
            return
        fold = HideCodeCellNode(prompt_show="Show the code", prompt_hide="Hide the code")
        fold["classes"].append("above-input")
        for cell in cells:
            hidden = "output" in cell.attributes.pop("hide_mode", "").split("+")
            for part in list(cell.children):
                is_code = part.get("nb_element") == "cell_code_source"
                if is_code or hidden:
                    cell.remove(part)
                    fold += [] if is_code else [nodes.paragraph(text=PRINTED)]
                    fold += part
            if not cell.children:
                cell.parent.remove(cell)
        pages[0] += nodes.section(
            "",
            nodes.title(text="Code and parameters"),
            fold,
            ids=["code-and-parameters"],
            names=["code and parameters"],
        )


def setup(app):
    app.add_transform(CodeLast)
    return {"parallel_read_safe": True}
