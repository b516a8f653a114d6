"""What is drawn of the image files that runs have."""

from pathlib import Path

import pytest
from PIL import Image
from workbench.tui.widgets.picture import Unreadable, load_picture


@pytest.mark.parametrize(("mode", "levels"), [("L", (0, 128, 255)), ("I;16", (0, 128 * 257, 65535))])
def test_brightness_is_that_of_the_file(tmp_path: Path, mode: str, levels: tuple[int, ...]) -> None:
    image = Image.new(mode, (3, 1))
    for place, level in enumerate(levels):
        image.putpixel((place, 0), level)
    image.save(tmp_path / "k.png")
    drawn = load_picture(tmp_path / "k.png")
    assert [drawn.getpixel((place, 0)) for place in range(3)] == [(0, 0, 0), (128, 128, 128), (255, 255, 255)]


def test_a_damaged_file_says_what_is_wrong(tmp_path: Path) -> None:
    Image.new("RGB", (30, 30), "red").save(tmp_path / "k.png")
    (tmp_path / "k.png").write_bytes((tmp_path / "k.png").read_bytes()[:60])
    with pytest.raises(Unreadable, match="cannot be read"):
        load_picture(tmp_path / "k.png")
