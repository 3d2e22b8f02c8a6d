"""Scripts of explorables come to the pages that have one (_static/explorables.js loads them);
Jupyter Book would load them on every page.
"""


def setup(app):
    app.connect("config-inited", keep_away)
    return {"parallel_read_safe": True}


def keep_away(app, config) -> None:
    config.html_js_files = [
        name for name in config.html_js_files if not str(name).startswith("explorables/")
    ]
