"""Pages are written by as many processes as there are cores, which Jupyter Book has no option for.
They are read by one: not all its extensions allow more.
"""

import os


def setup(app):
    app.connect("env-updated", write_side_by_side)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def write_side_by_side(app, _) -> None:
    app.parallel = 1 + (os.cpu_count() or 1)  # one hands out pages
