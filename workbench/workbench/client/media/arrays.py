"""Arrays and tensors of other libraries, known by what they can do. (Python 3.8: nothing is imported here.)"""

import sys
from typing import Any


def as_numpy(value: Any) -> Any:
    """The value as a NumPy array where it is an array or tensor that can be one; None for anything else.

    NumPy is used only where the script has loaded it: whoever has an array has.
    """
    value = _on_this_machine(value)
    if type(value).__module__.split(".")[0] == "builtins" or not hasattr(value, "__array__"):
        return None
    numpy = sys.modules.get("numpy")
    try:
        return None if numpy is None else numpy.asarray(value)
    except (TypeError, ValueError, RuntimeError):
        return None


def _on_this_machine(value: Any) -> Any:
    """A PyTorch tensor without its history, in the machine's memory, of numbers that NumPy knows."""
    if not hasattr(value, "dtype"):  # an open file, say, which has a `detach` that takes it from its owner
        return value
    for method in ("detach", "cpu"):
        step = getattr(value, method, None)
        if callable(step):
            value = step()
    if "bfloat16" in str(getattr(value, "dtype", "")) and callable(getattr(value, "float", None)):
        value = value.float()
    numpy = getattr(value, "numpy", None)
    if callable(numpy) and not hasattr(value, "__array__"):
        value = numpy()
    return value


def as_lists(value: Any) -> Any:
    """The value as nested lists of plain numbers where it can turn itself into them, else as it is."""
    value = _on_this_machine(value)
    convert = getattr(value, "tolist", None)
    return convert() if callable(convert) else value
