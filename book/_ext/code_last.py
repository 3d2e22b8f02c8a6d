"""Pages of notebooks are read from the figure down: their code comes last, folded, in the order in
which it runs.
"""

from docutils import nodes
from myst_nb.sphinx_ import HideCodeCellNode
from sphinx.transforms import SphinxTransform

PRINTED = "What this cell prints, compared with the stored numbers by make test:"
UNSAID = "<IPython.core.display."  # all that is left of an output whose Markdown is empty


def setup(app):
    app.add_transform(CodeLast)
    return {"parallel_read_safe": True}


class CodeLast(SphinxTransform):
    """Move the code of all cells, and the outputs that are hidden, to a section at the end."""

    default_priority = 400

    def apply(self, **kwargs) -> None:
        pages = [node for node in self.document.children if isinstance(node, nodes.section)]
        cells = self.of_kind("cell_code")
        if not (pages and cells):
            return
        for bundle in self.of_kind("mime_bundle"):
            if bundle.astext().startswith(UNSAID):
                bundle.parent.remove(bundle)
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
            if not any(part.children for part in cell.children):
                cell.parent.remove(cell)
        title = nodes.title(text="Code and parameters")
        names = {"ids": ["code-and-parameters"], "names": ["code and parameters"]}
        cell = nodes.container("", fold, classes=["cell"])  # the style sheet knows folds in cells
        pages[0] += nodes.section("", title, cell, **names)

    def of_kind(self, kind: str) -> list[nodes.container]:
        """The containers of myst-nb that hold this element of a notebook."""
        containers = self.document.findall(nodes.container)
        return [node for node in containers if node.get("nb_element") == kind]
