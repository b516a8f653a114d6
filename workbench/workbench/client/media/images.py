"""An image in any of the forms that scripts have one in. (Python 3.8.)"""

import errno
import io
import os
import sys
from pathlib import Path
from typing import Any, Dict, Optional

from workbench_store.errors import UsageError
from workbench_store.journal.writer import warn

from workbench.client.artifacts import path_of
from workbench.client.media.image_files import ImageFile, recognize
from workbench.client.media.item import Item
from workbench.client.media.pixels import pixels_of
from workbench.client.media.png import encode_png

MOST_BYTES = 64 * 1024 * 1024
#: The size of a JPEG is within its beginning, after what a camera put there.
_HEAD_BYTES = 256 * 1024
_REMEDY = "Give a PNG, JPEG, GIF or WebP file (its path, its bytes, or open), a pillow image, or an array of pixels."
#: What pillow writes as PNG without a loss, and what else becomes which of these; of all others, RGB.
_PNG_MODES = frozenset({"1", "L", "LA", "P", "RGB", "RGBA", "I;16"})
_MADE = {"I;16B": "I;16", "I;16L": "I;16", "I;16N": "I;16", "La": "LA", "PA": "RGBA", "RGBa": "RGBA"}
#: Modes of pillow that hold numbers of any size: four bytes each, of this type.
_NUMBERS = {"I": "i", "F": "f"}


def image_item(key: str, image: Any) -> Item:
    """What is kept of an image. Raises OSError for a file that cannot be read.

    UsageError, which names the key, for what is no image.
    """
    if isinstance(image, (str, os.PathLike)):
        return _of_path(key, path_of(image, "image {!r}".format(key)))
    if isinstance(image, (bytes, bytearray)):
        return _of_bytes(key, bytes(image))
    if callable(getattr(image, "read", None)):
        return _of_file(key, image)
    if hasattr(image, "savefig"):
        raise UsageError("image {!r} is a figure".format(key), remedy="Use log_figure.")
    if callable(getattr(image, "save", None)) and hasattr(image, "mode"):
        return _of_pillow(key, image)
    return _of_pixels(key, image)


def _of_pixels(key: str, image: Any) -> Item:
    pixels = pixels_of(key, image)
    if pixels.outside:
        warn("workbench: image {!r} has numbers out of range (0..255, or floats 0..1); they were cut".format(key))
    data = encode_png(pixels.width, pixels.height, pixels.channels, pixels.data)
    return Item("png", {"width": pixels.width, "height": pixels.height}, data=data)


def _of_path(key: str, path: Path) -> Item:
    if not path.is_file():
        raise OSError(errno.ENOENT, "it is not a file", str(path))
    with open(str(path), "rb") as file:
        head = file.read(_HEAD_BYTES)
    size = path.stat().st_size
    found = _known(key, head, size)
    return Item(found.format, _detail(found), source=path)


def _of_bytes(key: str, data: bytes) -> Item:
    found = _known(key, data, len(data))
    return Item(found.format, _detail(found), data=data)


def _of_file(key: str, file: Any) -> Item:
    """Of an open file or a buffer: all that it holds, wherever it stands. It stands there again after that."""
    try:
        place = file.tell() if file.seekable() else None
        if place is not None:
            file.seek(0)
        data = file.read(MOST_BYTES + 1)
        if place is not None:
            file.seek(place)
    except (ValueError, AttributeError, TypeError) as error:  # closed, text that is none, or no file at all
        raise UsageError("image {!r} cannot be read: {}".format(key, error), remedy=_REMEDY) from error
    if not isinstance(data, bytes):
        raise UsageError("image {!r} is a file of text".format(key), remedy="Open it as binary, or give its path.")
    return _of_bytes(key, data)


def _known(key: str, head: bytes, size: int) -> ImageFile:
    found = recognize(head)
    if found is None:
        raise UsageError("image {!r} is no PNG, JPEG, GIF or WebP file".format(key), remedy=_REMEDY)
    if size > MOST_BYTES:
        raise UsageError(
            "image {!r} has {:,} bytes; at most {:,} are kept".format(key, size, MOST_BYTES),
            remedy="Make it smaller, or save the file with log_artifact.",
        )
    return found


def _detail(found: Optional[ImageFile]) -> Dict[str, Any]:
    return {} if found is None or found.size is None else {"width": found.size[0], "height": found.size[1]}


def _of_pillow(key: str, image: Any) -> Item:
    buffer, numbers = io.BytesIO(), None
    try:
        mode = _mode_to_keep(image)
        if mode is None:
            numbers = _numbers(image)
        else:
            (image if image.mode == mode else image.convert(mode)).save(buffer, format="PNG")
    except Exception as error:
        raise UsageError("image {!r} cannot be saved as PNG: {}".format(key, error), remedy=_REMEDY) from error
    return _of_bytes(key, buffer.getvalue()) if numbers is None else _of_pixels(key, numbers)


def _mode_to_keep(image: Any) -> Optional[str]:
    """The mode to write; None where the numbers are to be taken for pixels, as an array's are."""
    if image.mode == "I":
        low, high = image.getextrema()
        return "I;16" if low >= 0 and 255 < high < 65536 else None
    if image.mode in _NUMBERS:
        return None
    return str(image.mode) if image.mode in _PNG_MODES else _MADE.get(image.mode, "RGB")


def _numbers(image: Any) -> Any:
    """Rows of numbers, as an array where the script has loaded NumPy."""
    rows = memoryview(image.tobytes()).cast(_NUMBERS[image.mode], (image.height, image.width))  # type: ignore[call-overload]
    numpy = sys.modules.get("numpy")
    return rows.tolist() if numpy is None else numpy.asarray(rows)
