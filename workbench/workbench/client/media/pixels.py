"""Arrays as pixels: HxW, HxWx1, HxWx3 or HxWx4, of whole numbers 0..255, of floats 0..1, or of booleans. (Python 3.8.)

Channels may come first (CxHxW) where the last axis could not be channels. Numbers out of range are drawn as the nearest
that is in it, not-a-number as 0: a picture that goes wrong in the middle of a training must not end it.
"""

import math
from typing import Any, List, NamedTuple, Sequence, Tuple

from workbench_store.errors import UsageError

from workbench.client.media.arrays import as_lists, as_numpy

_CHANNELS = (1, 3, 4)
MOST_PIXELS = 64 * 1024 * 1024
_REMEDY = "Give height x width, or height x width x 1, 3 or 4: bytes 0..255, or floats 0..1."


class Pixels(NamedTuple):
    """Rows of pixels that follow on each other; `outside`: some numbers were out of range."""

    width: int
    height: int
    channels: int
    data: bytes
    outside: bool


def pixels_of(key: str, image: Any) -> Pixels:
    """The pixels of an array, a tensor or nested lists. UsageError, which names the key, for what is none."""
    array = as_numpy(image)
    if array is not None and array.dtype.kind in "buif":
        return _of_numpy(key, array)
    return _of_lists(key, as_lists(image))


def _layout(key: str, shape: Sequence[int]) -> Tuple[int, int, int, bool]:
    """Height, width, channels, and whether channels come first."""
    if len(shape) == 2:
        height, width, channels, first = shape[0], shape[1], 1, False
    elif len(shape) == 3 and shape[2] in _CHANNELS:
        height, width, channels, first = shape[0], shape[1], shape[2], False
    elif len(shape) == 3 and shape[0] in _CHANNELS:
        height, width, channels, first = shape[1], shape[2], shape[0], True
    else:
        raise UsageError("image {!r} has the shape {}".format(key, tuple(shape)), remedy=_REMEDY)
    if not 0 < height * width <= MOST_PIXELS:
        raise UsageError(
            "image {!r} has {} x {} pixels".format(key, width, height),
            remedy="An image has 1 to {:,} pixels.".format(MOST_PIXELS),
        )
    return height, width, channels, first


def _of_numpy(key: str, array: Any) -> Pixels:
    height, width, channels, first = _layout(key, array.shape)
    if first:
        array = array.transpose(1, 2, 0)
    kind, outside = array.dtype.kind, False
    if kind == "b":
        array = array.astype("uint8") * 255
    elif kind == "f":
        array, outside = _from_floats(array)
    elif array.dtype.name != "uint8":
        outside = bool(((array < 0) | (array > 255)).any())
        array = array.clip(0, 255).astype("uint8")
    return Pixels(width, height, channels, array.astype("uint8").tobytes(), outside)


def _from_floats(array: Any) -> Tuple[Any, bool]:
    array = array.astype("float64")
    missing = array != array
    array[missing] = 0.0
    outside = bool(missing.any() or ((array < 0) | (array > 1)).any())
    return (array.clip(0.0, 1.0) * 255.0).round(), outside


def _of_lists(key: str, image: Any) -> Pixels:
    shape = _shape(image)
    height, width, channels, first = _layout(key, shape)
    if not _is_regular(image, shape):
        raise UsageError("image {!r} has rows of different lengths, or of no numbers".format(key), remedy=_REMEDY)
    flat = _flat(image, height, width, channels, first, len(shape))
    if any(isinstance(number, float) for number in flat):
        data = bytes(_level(number) for number in flat)
        outside = any(not 0 <= number <= 1 for number in flat)
    elif all(isinstance(number, bool) for number in flat):
        data, outside = bytes(255 * number for number in flat), False
    else:
        data = bytes(min(255, max(0, number)) for number in flat)
        outside = any(not 0 <= number <= 255 for number in flat)
    return Pixels(width, height, channels, data, outside)


def _shape(image: Any) -> List[int]:
    shape: List[int] = []
    while isinstance(image, (list, tuple)) and len(shape) < 4:
        shape.append(len(image))
        image = image[0] if image else None
    return shape


def _is_regular(image: Any, shape: Sequence[int]) -> bool:
    if not shape:
        return isinstance(image, (int, float))
    return (
        isinstance(image, (list, tuple))
        and len(image) == shape[0]
        and all(_is_regular(part, shape[1:]) for part in image)
    )


def _flat(image: Any, height: int, width: int, channels: int, first: bool, depth: int) -> List[Any]:
    if depth == 2:
        return [number for row in image for number in row]
    if first:
        planes = range(channels)
        return [image[plane][row][column] for row in range(height) for column in range(width) for plane in planes]
    return [number for row in image for pixel in row for number in pixel]


def _level(number: float) -> int:
    """A brightness 0..1 as a byte; halves go to the even neighbour, as NumPy has it."""
    return 0 if math.isnan(number) else round(min(1.0, max(0.0, number)) * 255.0)
