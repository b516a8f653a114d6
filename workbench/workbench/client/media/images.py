"""An image in any of the forms that scripts have one in. (Python 3.8.)"""

import io
import os
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
_REMEDY = "Give a path to a PNG, JPEG, GIF or WebP file, its bytes, a pillow image, or an array of pixels."
#: What pillow writes as PNG without a loss.
_PNG_MODES = frozenset({"1", "L", "LA", "I", "P", "RGB", "RGBA"})


def image_item(key: str, image: Any) -> Optional[Item]:
    """What is kept of an image; None, with a warning, for a file that cannot be read.

    UsageError, which names the key, for what is no image.
    """
    if isinstance(image, (str, os.PathLike)):
        return _of_path(key, path_of(image, "image {!r}".format(key)))
    if isinstance(image, (bytes, bytearray)):
        found = _known(key, bytes(image), len(image))
        return Item(found.format, _detail(found), data=bytes(image))
    if hasattr(image, "savefig"):
        raise UsageError("image {!r} is a figure".format(key), remedy="Use log_figure.")
    if callable(getattr(image, "save", None)) and hasattr(image, "mode"):
        return _of_pillow(key, image)
    pixels = pixels_of(key, image)
    if pixels.outside:
        warn("workbench: image {!r} has numbers out of range (0..255, or floats 0..1); they were cut".format(key))
    data = encode_png(pixels.width, pixels.height, pixels.channels, pixels.data)
    return Item("png", {"width": pixels.width, "height": pixels.height}, data=data)


def _of_path(key: str, path: Path) -> Optional[Item]:
    try:
        if not path.is_file():
            warn("workbench: image {!r}: {} is not a file; nothing was saved".format(key, path))
            return None
        with open(str(path), "rb") as file:
            head = file.read(_HEAD_BYTES)
        size = path.stat().st_size
    except OSError as error:
        warn("workbench: image {!r}: cannot read {}: {}".format(key, path, error.strerror or error))
        return None
    found = _known(key, head, size)
    return Item(found.format, _detail(found), source=path)


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
    buffer = io.BytesIO()
    try:
        drawable = image if image.mode in _PNG_MODES else image.convert("RGB")
        drawable.save(buffer, format="PNG")
    except Exception as error:
        raise UsageError("image {!r} cannot be saved as PNG: {}".format(key, error), remedy=_REMEDY) from error
    data = buffer.getvalue()
    return Item("png", _detail(_known(key, data, len(data))), data=data)
