"""Leave out what Jupyter Book adds for running cells in the browser: it would load from other
hosts.
"""


def setup(app):
    app.connect("config-inited", disconnect)
    return {"parallel_read_safe": True}


def disconnect(app, config) -> None:
    """Its scripts and settings; its style sheet stays, every page links to it."""
    unwanted = {"init_thebe_core", "update_thebe_context"}
    for event, listeners in app.events.listeners.items():
        app.events.listeners[event] = [
            one for one in listeners if getattr(one.handler, "__name__", "") not in unwanted
        ]
