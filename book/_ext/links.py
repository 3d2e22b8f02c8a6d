"""List the addresses outside of the book that its pages link to, each with the pages that do.

The built book holds the list as `external_links.txt`. Nothing of it is loaded while a page is read.
"""

import re
from pathlib import Path

LINK = re.compile(r"<a\b[^>]*\bhref=\"(https?:[^\"#]*)")


def setup(app):
    app.connect("build-finished", write_list)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def write_list(app, exception) -> None:
    if exception or app.builder.format != "html":
        return
    out, found = Path(app.outdir), {}
    for page in sorted(out.rglob("*.html")):
        for address in LINK.findall(page.read_text()):
            found.setdefault(address.replace("&amp;", "&"), []).append(page.relative_to(out))
    lines = [f"{address} {' '.join(map(str, dict.fromkeys(found[address])))}" for address in found]
    (out / "external_links.txt").write_text("".join(f"{line}\n" for line in sorted(lines)))
