"""Pictures on a terminal: two pixels in each character cell, its upper and its lower half.

Any terminal with colours shows these, tmux too. Protocols for real pixels have to ask the terminal what it can while
Textual reads its answers, so they are left to others.
"""

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.strip import Strip
from textual.widget import Widget

if TYPE_CHECKING:
    from PIL.Image import Image

#: What a picture may have to be decoded here.
_MOST_PIXELS = 64 * 1024 * 1024
#: No terminal shows more.
_KEPT_PIXELS = (1600, 1600)
_BEHIND = (48, 48, 48)
_FORMATS = ("PNG", "JPEG", "GIF", "WEBP")


class Unreadable(Exception):
    """A file that cannot be shown as a picture; the text says why."""


def load_picture(path: Path) -> "Image":
    """The (first) picture, without transparency, no larger than a terminal can use. Raises Unreadable."""
    from PIL import Image, ImageOps

    try:
        with Image.open(path, formats=_FORMATS) as file:
            if file.width * file.height > _MOST_PIXELS:
                raise Unreadable(f"it has {file.width} x {file.height} pixels, which is too large to show here")
            file.draft("RGB", _KEPT_PIXELS)
            picture = _of_bytes(ImageOps.exif_transpose(file)).convert("RGBA")
    except Unreadable:
        raise
    except Exception as error:  # pillow's readers raise what they like for damaged files
        raise Unreadable(f"it cannot be read: {error}") from error
    picture.thumbnail(_KEPT_PIXELS)
    behind = Image.new("RGBA", picture.size, (*_BEHIND, 255))
    return Image.alpha_composite(behind, picture).convert("RGB")


def fitted(picture: tuple[int, int], cells: Size) -> tuple[int, int]:
    """Width and (even) height in pixels at which a picture fills the cells; a cell is one pixel wide and two high."""
    scale = min(cells.width / picture[0], 2 * cells.height / picture[1])
    return max(1, int(picture[0] * scale)), min(2 * cells.height, max(2, 2 * round(picture[1] * scale / 2)))


def _of_bytes(picture: "Image") -> "Image":
    """Numbers of two bytes as those of one: pillow's own conversion makes white of all above 255."""
    if not picture.mode.startswith("I"):
        return picture
    return picture.convert("I").point(lambda level: level * (1 / 257)).convert("L")


def half_blocks(picture: "Image", cells: Size) -> list[Strip]:
    """The lines that show the picture."""
    from PIL import Image

    width, height = fitted(picture.size, cells)
    smooth = width < picture.width
    scaled = picture.resize((width, height), Image.Resampling.HAMMING if smooth else Image.Resampling.NEAREST)
    pixels = scaled.tobytes()
    rows = [pixels[start : start + 3 * width] for start in range(0, len(pixels), 3 * width)]
    return [_line(upper, lower, width) for upper, lower in zip(rows[::2], rows[1::2], strict=True)]


def _line(upper: bytes, lower: bytes, width: int) -> Strip:
    segments = [Segment("▀", _style(upper[x : x + 3], lower[x : x + 3])) for x in range(0, 3 * width, 3)]
    return Strip(segments, width).simplify()


@lru_cache(4096)
def _style(upper: bytes, lower: bytes) -> Style:
    return Style(color=Color.from_rgb(*upper), bgcolor=Color.from_rgb(*lower))


class Picture(Widget):
    """Shows a picture as large as there is room for it."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._picture: Image | None = None
        self._drawn: tuple[Size, list[Strip]] = (Size(0, 0), [])

    def show(self, picture: "Image | None") -> None:
        """Show another picture, or none."""
        self._picture = picture
        self._drawn = (Size(0, 0), [])
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line of it."""
        if self._picture is None or not self.size.area:
            return Strip.blank(self.size.width, self.rich_style)
        if self._drawn[0] != self.size:
            self._drawn = (self.size, half_blocks(self._picture, self.size))
        lines = self._drawn[1]
        line = lines[y] if y < len(lines) else Strip([])
        return line.adjust_cell_length(self.size.width, self.rich_style)
