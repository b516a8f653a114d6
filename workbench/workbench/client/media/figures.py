"""Figures of matplotlib (as PNG) and of plotly (as a page that needs no network). (Python 3.8.)"""

import io
from importlib import import_module
from typing import Any, Optional

from workbench_store.errors import UsageError

from workbench.client.media.image_files import recognize
from workbench.client.media.item import Item

_REMEDY = "Give a figure of matplotlib or plotly; log_image takes pictures, log_artifact takes files."


def figure_item(key: str, figure: Any) -> Item:
    """What is kept of a figure. UsageError, which names the key, for what is none or cannot be drawn."""
    drawn = _of_matplotlib(figure)
    try:
        if drawn is not None:
            return _as_png(drawn)
        if type(figure).__module__.split(".")[0] == "plotly" and hasattr(figure, "to_html"):
            return _as_page(figure)
    except Exception as error:
        raise UsageError("figure {!r} cannot be drawn: {}".format(key, error)) from error
    raise UsageError("figure {!r} is a {}".format(key, type(figure).__name__), remedy=_REMEDY)


def _of_matplotlib(figure: Any) -> Any:
    """The figure itself, or that of an axes."""
    if callable(getattr(figure, "savefig", None)):
        return figure
    owner = getattr(figure, "figure", None)
    return owner if callable(getattr(owner, "savefig", None)) else None


def _as_png(figure: Any) -> Item:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    data = buffer.getvalue()
    found = recognize(data)
    size = None if found is None else found.size
    detail = {"library": "matplotlib"}
    return Item("png", detail if size is None else {**detail, "width": size[0], "height": size[1]}, data=data)


def _as_page(figure: Any) -> Item:
    """The page reads plotly's own script from the folder above, where `plotly_script` is written once for a run."""
    page = figure.to_html(include_plotlyjs="../plotly.min.js", include_mathjax=False, full_html=True)
    detail = {"library": "plotly", "traces": len(figure.data)}
    return Item("html", detail, data=page.encode("utf-8", "replace"))


def plotly_script(item: Item) -> Optional[bytes]:
    """plotly's script where the item's page needs it; some 5 MB."""
    if item.detail.get("library") != "plotly":
        return None
    return str(import_module("plotly.offline").get_plotlyjs()).encode("utf-8")
