"""Documents that are made from the code: written, or only checked to be up to date."""

import sys
from pathlib import Path


def write_or_check(target: Path, text: str) -> None:
    """Write it, or with `--check` end with 1 where it is out of date."""
    if "--check" not in sys.argv[1:]:
        target.write_text(text, encoding="utf-8")
    elif not target.exists() or target.read_text(encoding="utf-8") != text:
        sys.exit(f"{target} is out of date: make docs")
