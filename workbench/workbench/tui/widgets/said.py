"""Text that is put up again and again, and seldom changes."""

from rich.text import Text
from textual.widgets import Static


def say(widget: Static, text: Text) -> None:
    """Show the text, unless it is shown: each update paints the screen, and a dialog with all that is below it."""
    if widget.content != text:
        widget.update(text)
