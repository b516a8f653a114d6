"""Images in every form that a script has them in come back pixel for pixel."""

import io
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from workbench.client.active_run import ActiveRun
from workbench.client.media import images
from workbench_store.errors import UsageError

from tests.client.media import file_of, media_of

pytestmark = pytest.mark.slow

SHAPES = st.tuples(st.integers(1, 9), st.integers(1, 9)).flatmap(
    lambda size: st.sampled_from([size, (*size, 1), (*size, 3), (*size, 4)])
)


def picture(run: ActiveRun) -> Image.Image:
    """The image logged last, as pillow reads it."""
    return Image.open(io.BytesIO(file_of(run, media_of(run, "image")[-1])))


def pixels(run: ActiveRun) -> Any:
    return numpy.asarray(picture(run))


def random_pixels(shape: tuple[int, ...], seed: int) -> Any:
    return numpy.random.default_rng(seed).integers(0, 256, shape, dtype=numpy.uint8)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(SHAPES, st.integers(0, 2**32), st.sampled_from(["array", "lists", "floats", "int64", "fortran", "view"]))
def test_pixels_come_back(run: ActiveRun, shape: tuple[int, ...], seed: int, form: str) -> None:
    array = random_pixels(shape, seed)
    given_as: dict[str, Any] = {
        "array": array,
        "lists": array.tolist(),
        "floats": array / 255.0,
        "int64": array.astype(numpy.int64),
        "fortran": numpy.asfortranarray(array),
        "view": numpy.repeat(array, 2, axis=0)[::2],
    }
    run.log_image("k", given_as[form])
    expected = array[..., 0] if array.ndim == 3 and array.shape[2] == 1 else array
    assert numpy.array_equal(pixels(run), expected)


@pytest.mark.parametrize("make", [lambda array: array, lambda array: array.tolist()], ids=["array", "lists"])
def test_channels_may_come_first_where_that_is_clear(run: ActiveRun, make: Any) -> None:
    array = random_pixels((3, 7, 5), 1)
    run.log_image("k", make(array))
    assert numpy.array_equal(pixels(run), array.transpose(1, 2, 0))
    ambiguous = random_pixels((3, 7, 4), 1)
    run.log_image("k", make(ambiguous))
    assert picture(run).size == (7, 3) and picture(run).mode == "RGBA"


class Tensor:
    """What PyTorch's tensors can do: nothing of NumPy until they are detached and on this machine."""

    def __init__(self, array: Any, ready: tuple[bool, bool] = (False, False)) -> None:
        self.array, self.ready = array, ready
        self.dtype = "torch.float32"

    def detach(self) -> "Tensor":
        return Tensor(self.array, (True, self.ready[1]))

    def cpu(self) -> "Tensor":
        return Tensor(self.array, (self.ready[0], True))

    def numpy(self) -> Any:
        assert self.ready == (True, True), "it has a history or is elsewhere"
        return self.array


def test_a_tensor_is_brought_here(run: ActiveRun) -> None:
    array = random_pixels((3, 8, 9), 2)
    run.log_image("k", Tensor(array.astype(numpy.float32) / 255))
    assert numpy.array_equal(pixels(run), array.transpose(1, 2, 0))


MODES = ["1", "L", "LA", "La", "P", "PA", "RGB", "RGBX", "RGBA", "RGBa", "CMYK", "F", "HSV", "YCbCr", "LAB", "I"]
MODES += ["I;16", "I;16B", "I;16L", "I;16N"]


@pytest.mark.parametrize("mode", MODES)
def test_any_pillow_image_is_kept(run: ActiveRun, mode: str) -> None:
    image = Image.new(mode, (6, 4))
    run.log_image("k", image)
    assert picture(run).size == (6, 4)
    assert ("A" in picture(run).getbands()) is (mode[-1] in "Aa"), "what is transparent stays so"


@pytest.mark.parametrize("with_numpy", [True, False])
def test_what_pillow_reads_of_sixteen_bits_or_floats(
    run: ActiveRun, here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, with_numpy: bool
) -> None:
    depth = (numpy.linspace(0, 1, 64).reshape(8, 8) * 60000).astype("u2")
    Image.fromarray(depth).save(here / "depth.png")
    Image.fromarray(depth).save(here / "depth.tif")
    mask = numpy.arange(24, dtype="i4").reshape(4, 6)
    heat = numpy.linspace(0, 1, 15, dtype="f4").reshape(5, 3)
    given_as = {
        "png": (Image.open(here / "depth.png"), depth),
        "tif": (Image.open(here / "depth.tif"), depth),
        "many labels": (Image.fromarray(mask * 100), mask * 100),
        "mask": (Image.fromarray(mask), mask),
        "heat": (Image.fromarray(heat), (heat.astype("f8") * 255).round()),
    }
    if not with_numpy:
        monkeypatch.setattr(images, "sys", SimpleNamespace(modules={}))
    for what, (image, expected) in given_as.items():
        run.log_image("k", image)
        assert numpy.array_equal(pixels(run), expected), what
    assert capsys.readouterr().err == ""
    run.log_image("k", Image.fromarray(numpy.array([[-1.0, 0.5, 9.0]], dtype="f4")))
    assert pixels(run).tolist() == [[0, 128, 255]] and "'k'" in capsys.readouterr().err
    run.log_image("k", Image.fromarray(numpy.array([[-1, 5, 70000]], dtype="i4")))
    assert pixels(run).tolist() == [[0, 5, 255]] and "'k'" in capsys.readouterr().err


def test_an_open_file_is_read_and_left_as_it_was(run: ActiveRun, here: Path) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (33, 21), "red").save(buffer, "PNG")
    run.log_image("k", buffer)  # it stands at its end, as after `savefig`
    assert picture(run).size == (33, 21) and buffer.tell() == len(buffer.getvalue())
    (here / "x.png").write_bytes(buffer.getvalue())
    with open(here / "x.png", "rb") as file:
        file.read(5)
        run.log_image("k", file)
        assert picture(run).size == (33, 21) and file.read() == buffer.getvalue()[5:]
    with open(here / "x.png", encoding="latin-1") as text, pytest.raises(UsageError, match="'k'"):
        run.log_image("k", text)
    with pytest.raises(UsageError, match="closed"):
        run.log_image("k", file)
    with open(here / "x.png", "rb") as file:
        for wrong in (run.log_table, run.log_histogram):
            with pytest.raises(UsageError, match="'k'"):
                wrong("k", file)
        assert file.seek(0) == 0 and file.read() == buffer.getvalue(), "it is nobody's but the script's"


@pytest.mark.parametrize(("name", "format"), [("PNG", "png"), ("JPEG", "jpeg"), ("GIF", "gif"), ("WEBP", "webp")])
@pytest.mark.parametrize("as_path", [True, False])
def test_a_file_is_kept_byte_for_byte(run: ActiveRun, here: Path, name: str, format: str, as_path: bool) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (33, 21), "red").save(buffer, name)
    (here / "picture.any").write_bytes(buffer.getvalue())
    run.log_image("k", here / "picture.any" if as_path else buffer.getvalue(), caption="[b]red[/b]")
    (record,) = media_of(run)
    assert (record.format, record.caption) == (format, "[b]red[/b]")
    assert record.detail == {"width": 33, "height": 21} and file_of(run, record) == buffer.getvalue()


def test_numbers_out_of_range_are_cut_with_a_word(run: ActiveRun, capsys: pytest.CaptureFixture[str]) -> None:
    run.log_image("odd", numpy.array([[-1.0, 0.5, 9.0, numpy.nan, numpy.inf]]))
    assert pixels(run).tolist() == [[0, 128, 255, 0, 255]] and "'odd'" in capsys.readouterr().err
    run.log_image("odd", [[-1.0, 0.5, 9.0, float("nan"), float("inf")]])
    assert pixels(run).tolist() == [[0, 128, 255, 0, 255]] and "'odd'" in capsys.readouterr().err
    run.log_image("odd", numpy.array([[-5, 7, 300]]))
    assert pixels(run).tolist() == [[0, 7, 255]] and "'odd'" in capsys.readouterr().err
    run.log_image("right", numpy.array([[True, False]]))
    assert pixels(run).tolist() == [[255, 0]] and capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "image",
    [
        None,
        5,
        b"no image",
        object(),
        [],
        [[]],
        [["a"]],
        [[1, 2], [3]],
        [[[1, 2], [3, 4]], [[1, 2], [3, 4]]],
        numpy.zeros((2, 2, 2)),
        numpy.zeros((0, 5)),
        Image.new("F", (0, 5)),
        Image.new("I", (0, 5)),
        Image.new("L", (0, 5)),
        numpy.zeros((4, 5, 5, 3)),
        numpy.array([["a"]]),
        numpy.array([[1j]]),
        "script.py",
    ],
)
def test_what_is_no_image_is_refused_with_its_key(run: ActiveRun, here: Path, image: Any) -> None:
    (here / "script.py").write_text("print()\n" * 10)
    with pytest.raises(UsageError, match="the-key"):
        run.log_image("the-key", image)
    assert media_of(run) == []
    run.log_image("the-key", [[0]])
    assert [record.step for record in media_of(run)] == [0], "what was refused took no step"


@pytest.mark.parametrize("path", ["nowhere.png", "folder", "/dev/zero"])
def test_a_path_to_no_file_is_a_warning(
    run: ActiveRun, here: Path, capsys: pytest.CaptureFixture[str], path: str
) -> None:
    (here / "folder").mkdir()
    run.log_image("k", path)
    assert path in capsys.readouterr().err and media_of(run) == []


def test_keys_and_steps_of_any_kind_have_files_of_their_own(run: ActiveRun) -> None:
    keys = ["a/b", "a_b", "../../up", "ü", "😀", "x" * 250, "-", ".", "a b"]
    for key in keys:
        run.log_image(key, [[1]])
        run.log_image(key, [[2]])
        run.log_image(key, [[3]], step=1)
    records = media_of(run)
    assert {record.key for record in records} == set(keys)
    assert sorted(record.step for record in records) == [0] * len(keys) + [1] * 2 * len(keys)
    assert len({record.path for record in records}) == len(records)
    below = (run.path / "media").resolve()
    assert all(below in (run.path / str(record.path)).resolve().parents for record in records)


def test_nothing_is_loaded_that_the_script_did_not() -> None:
    code = """
import sys, workbench
with workbench.start_run(system_metrics=False) as run:
    run.log_image("k", [[0, 1.0]]); run.log_table("t", {"a": [1]})
    run.log_histogram("h", [1, 2]); run.log_text("s", "x")
print(sorted({"numpy", "PIL", "matplotlib", "plotly", "pandas"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
