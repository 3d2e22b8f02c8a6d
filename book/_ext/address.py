"""Where the code and the book lie online, as address.yml says: buttons, links, install lines.

Nothing of it appears while that file is empty: the book names no address that isn't there.
"""

import re
from pathlib import Path
from typing import NamedTuple

import yaml

FILE = Path(__file__).resolve().parent.parent / "address.yml"
GITHUB = re.compile(r"https://github\.com/([\w.-]+/[\w.-]+)")
BRANCH = "notebooks"  # of the repository: copies that install simlib (book/launch.py)


class Address(NamedTuple):
    """Where the code and the book lie online; empty: nowhere."""

    repository: str
    book: str


def read(path: Path = FILE) -> Address:
    """The setting. Raises ValueError where it is no plain https address."""
    found = yaml.safe_load(path.read_text()) or {}
    if set(found) != set(Address._fields):
        raise ValueError(
            f"{path.name} has the keys {', '.join(map(str, found))[:200]}; "
            f"it needs {' and '.join(Address._fields)}, each an address or empty"
        )
    for key, value in found.items():
        if value and not re.fullmatch(r"https://[\w.-]+(/[\w.~-]+)*", str(value)):
            raise ValueError(
                f"{path.name}: {key} is {str(value)[:200]!r}; give an address such as "
                "https://github.com/OWNER/NAME (no slash at its end), or leave it empty"
            )
    return Address(**{key: value or "" for key, value in found.items()})


def requirement(address: Address, reference: str) -> str:
    """What pip installs: this version of the library, from the repository."""
    return f"simlib-companion @ git+{address.repository}@{reference}"


def services(address: Address, name: str) -> dict[str, str]:
    """Where a notebook runs in a browser: the service -> the address that opens it there."""
    found = GITHUB.fullmatch(address.repository)
    if not found:
        return {}
    return {
        "Colab": f"https://colab.research.google.com/github/{found[1]}/blob/{BRANCH}/{name}.ipynb",
        "Binder": f"https://mybinder.org/v2/gh/{found[1]}/{BRANCH}?urlpath=lab/tree/{name}.ipynb",
    }


def get_the_code(address: Address) -> str:
    """How a reader gets the code, in Markdown; nothing where no address is set."""
    if not address.repository:
        return ""
    folder = address.repository.rpartition("/")[2]
    return (
        f"The code lies at <{address.repository}>. With the book and its notebooks:\n\n"
        f"```\ngit clone {address.repository}\ncd {folder}\nmake book\n```\n\n"
        f"The library alone: `pip install git+{address.repository}`.\n"
    )


def setup(app):
    app.connect("config-inited", name_the_book, priority=400)
    app.connect("html-page-context", add_buttons, priority=502)  # after the theme's own
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def name_the_book(app, config) -> None:
    config.html_baseurl = read(Path(app.confdir) / "address.yml").book


def add_buttons(app, page: str, template, context: dict, doctree) -> None:
    """Links to the repository, on a figure's page also to what runs its notebook."""
    address = read(Path(app.confdir) / "address.yml")
    found = {"Code": address.repository} if address.repository else {}
    if page.startswith("figures/"):
        found |= services(address, page.removeprefix("figures/"))
    buttons = [
        {"type": "link", "url": url, "text": name, "tooltip": name, "icon": "fas fa-code"}
        for name, url in found.items()
    ]
    if buttons:
        context["header_buttons"].append(
            {
                "type": "group",
                "tooltip": "The code online",
                "icon": "fas fa-rocket",
                "buttons": buttons,
                "label": "online-buttons",
            }
        )
