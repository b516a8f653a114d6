"""Texts and figures come back as they were logged; what is none is refused."""

import io
import re
from typing import Any

import matplotlib
import plotly.graph_objects
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from PIL import Image
from workbench.client.active_run import ActiveRun
from workbench.client.media import texts
from workbench_store.errors import UsageError

from tests.client.media import file_of, media_of

matplotlib.use("agg")


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(), max_size=50), st.sampled_from([1, 500]))
@example("", 1)
@example("\ud800\x00\x1b[31m", 1)
@example("x" * texts.SHORT_CHARACTERS, 1)
def test_a_text_comes_back(run: ActiveRun, text: str, copies: int) -> None:
    run.log_text("k", text * copies)
    record = media_of(run)[-1]
    found = record.content if record.path is None else file_of(run, record).decode()
    assert found == (text * copies).encode("utf-8", "replace").decode()
    assert (record.path is None) == (len(text * copies) <= texts.SHORT_CHARACTERS)


@pytest.mark.parametrize(
    "text", [None, b"bytes", 5, "x" * (texts.MOST_CHARACTERS + 1)], ids=["none", "bytes", "5", "long"]
)
def test_what_is_no_text_is_refused(run: ActiveRun, text: Any) -> None:
    with pytest.raises(UsageError, match="the-key"):
        run.log_text("the-key", text)


def test_a_figure_of_matplotlib_is_a_picture(run: ActiveRun) -> None:
    figure = Figure(figsize=(4, 3), dpi=50)
    axes = figure.subplots()
    axes.plot([1, 2, 3])
    run.log_figure("k", figure)
    run.log_figure("k", axes)
    records = media_of(run, "figure")
    assert [(one.step, one.format, one.detail["width"], one.detail["height"]) for one in records] == [
        (0, "png", 200, 150),
        (1, "png", 200, 150),
    ]
    assert Image.open(io.BytesIO(file_of(run, records[1]))).size == (200, 150)


def test_a_figure_of_plotly_needs_no_network(run: ActiveRun) -> None:
    figure = plotly.graph_objects.Figure(plotly.graph_objects.Scatter(y=[1, 2, 3]))
    for key in ("a", "b"):
        run.log_figure(key, figure)
    records = media_of(run, "figure")
    assert [(one.format, one.detail) for one in records] == [("html", {"library": "plotly", "traces": 1})] * 2
    page = file_of(run, records[0]).decode()
    assert not re.findall("https?://", page)
    (source,) = re.findall(r'src="([^"]*)"', page)
    assert (run.path / str(records[0].path)).parent.joinpath(source).resolve().stat().st_size > 1_000_000
    assert len(list((run.path / "media").rglob("*.js"))) == 1


class Broken:
    def savefig(self, buffer: Any, format: str) -> None:
        raise RuntimeError("no canvas")


@pytest.mark.parametrize("figure", [None, "figure.png", object(), Broken()], ids=["none", "path", "object", "broken"])
def test_what_is_no_figure_is_refused(run: ActiveRun, figure: Any) -> None:
    with pytest.raises(UsageError, match="the-key"):
        run.log_figure("the-key", figure)
    assert media_of(run) == []
