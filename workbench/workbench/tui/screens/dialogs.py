"""Small windows over a screen: to choose, to confirm, to see the keys."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen, Screen
from textual.widgets import Button, Input, OptionList, SelectionList, Static
from textual.widgets.option_list import Option
from textual.widgets.selection_list import Selection
from workbench_store.errors import UsageError

from workbench.tui.widgets.lists import Choices, Scrolled, Ticks

#: Keys of scrolling, of focus and the like, which come last.
_GENERAL = "scrolling and focus"


class Confirm(ModalScreen[bool]):
    """Asks whether something is to be done."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Yes"),
        Binding("n,escape", "answer(False)", "No"),
    ]

    def __init__(self, question: str, yes: str, command: str) -> None:
        super().__init__()
        self._question, self._yes, self._command = question, yes, command

    def compose(self) -> ComposeResult:
        """The question, the command that does the same, two buttons."""
        with Vertical(classes="dialog"):
            yield Static(Text(self._question))
            yield Static(Text(self._command, "dim"))
            with Horizontal(classes="buttons"):
                yield Button(self._yes, variant="error", id="yes")
                yield Button("No", id="no")

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """A button is an answer."""
        self.dismiss(event.button.id == "yes")

    def action_answer(self, answer: bool) -> None:
        """A key is an answer."""
        self.dismiss(answer)


class Choose(ModalScreen[str | None]):
    """Chooses one of several, by name. The text that narrows them has the focus; the keys of the list move in it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Back"),
        Binding("up", "list('cursor_up')", "Up", show=False),
        Binding("down", "list('cursor_down')", "Down", show=False),
        Binding("pageup", "list('page_up')", "Page up", show=False),
        Binding("pagedown", "list('page_down')", "Page down", show=False),
    ]

    def __init__(self, title: str, options: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self._title, self._options = title, options

    def compose(self) -> ComposeResult:
        """The options; typing narrows them."""
        with Vertical(classes="dialog"):
            yield Static(Text(self._title, "bold"))
            yield Input(placeholder="type to narrow", compact=True)
            yield Choices(*self._matching(""), compact=True)

    def on_mount(self) -> None:
        """The first option is the one that Enter takes."""
        self.query_one(OptionList).highlighted = 0

    async def action_list(self, action: str) -> None:
        """Do with the list what the key does there."""
        await self.app.run_action(action, self.query_one(OptionList))

    def _matching(self, text: str) -> list[Option]:
        found = [(id, label) for id, label in self._options if text.lower() in label.lower()]
        return [Option(Text(label), id=id) for id, label in found]

    def on_input_changed(self, event: Input.Changed) -> None:
        """Narrow the options."""
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options(self._matching(event.value))
        options.highlighted = 0 if options.option_count else None

    def on_input_submitted(self) -> None:
        """Take the one under the cursor."""
        options = self.query_one(OptionList)
        if options.option_count:
            self.dismiss(options.get_option_at_index(options.highlighted or 0).id)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Take the one chosen."""
        self.dismiss(event.option.id)


class Ask(ModalScreen[str | None]):
    """Asks for a line of text; below it stands the command that does the same."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Back")]

    def __init__(self, title: str, hint: str, before: str, command: Callable[[str], str]) -> None:
        super().__init__()
        self._title, self._hint, self._before, self._command = title, hint, before, command

    def compose(self) -> ComposeResult:
        """The title, the line, the command."""
        with Vertical(classes="dialog"):
            yield Static(Text(self._title, "bold"))
            yield Input(self._before, placeholder=self._hint, compact=True)
            yield Static(id="command")

    def on_mount(self) -> None:
        """Show the command of what is there already."""
        self._tell(self._before)

    def on_input_changed(self, event: Input.Changed) -> None:
        """The command follows what is typed."""
        self._tell(event.value)

    def _tell(self, text: str) -> None:
        try:
            told = Text(self._command(text), "dim")
        except UsageError as error:
            told = Text(error.message, "red")
        self.query_one("#command", Static).update(told)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take the line; one that no command takes stays, with the reason below it."""
        text = event.value.strip()
        with suppress(UsageError):
            self._command(text)
            self.dismiss(text)


class Reader(ModalScreen[None]):
    """Text to read, with a title."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,enter", "dismiss", "Back")]

    def __init__(self, title: str, text: Text) -> None:
        super().__init__()
        self._title, self._text = title, text

    def compose(self) -> ComposeResult:
        """The text scrolls."""
        with Scrolled(classes="dialog wide"):
            yield Static(Text(self._title, "bold"))
            yield Static(self._text)


class ChooseColumns(ModalScreen[list[str] | None]):
    """Chooses which metrics and parameters have columns."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Back"),
        Binding("enter", "take", "Take", priority=True),
    ]

    def __init__(self, options: Sequence[tuple[str, str]], chosen: set[str]) -> None:
        super().__init__()
        self._options, self._chosen = options, chosen

    def compose(self) -> ComposeResult:
        """A list to tick."""
        with Vertical(classes="dialog"):
            yield Static(Text("Columns: Space ticks, Enter takes", "bold"))
            selections = [Selection(Text(label), id, id in self._chosen) for id, label in self._options]
            yield Ticks(*selections, compact=True)

    def action_take(self) -> None:
        """Use what is ticked, in the order of the list."""
        ticked = set(self.query_one(SelectionList).selected)
        self.dismiss([id for id, _ in self._options if id in ticked])


class Keys(ModalScreen[None]):
    """The keys of the part that has the focus, then those of the screen."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,question_mark", "dismiss", "Back")]

    def __init__(self, below: Screen[object]) -> None:
        super().__init__()
        self._below = below

    def compose(self) -> ComposeResult:
        """Two columns: keys and what they do, by the part they belong to."""
        with Scrolled(classes="dialog"):
            yield Static(self._text())

    def _part(self, active: ActiveBinding) -> str:
        if not defined_here(active):
            return _GENERAL
        return "this screen" if active.node is self._below else type(active.node).__name__

    def _text(self) -> Text:
        parts: dict[str, list[tuple[str, str]]] = {}
        for active in self._below.active_bindings.values():
            binding = active.binding
            if binding.description and active.enabled:
                key = self.app.get_key_display(binding)
                parts.setdefault(self._part(active), []).append((key, binding.description))
        general = parts.pop(_GENERAL, None)
        if general:
            parts[_GENERAL] = general
        text = Text()
        for name, keys in parts.items():
            text.append(f"{_words(name)}\n", "bold")
            actions: dict[str, list[str]] = {}
            for key, description in keys:
                actions.setdefault(description, []).append(key)
            for description, named in actions.items():
                text.append(f"  {' '.join(named):16}", "cyan")
                text.append(f"{description}\n")
        return text


def defined_here(active: ActiveBinding) -> bool:
    """Whether the binding is one that Workbench made, not one that every such widget has."""
    own = (kind for kind in type(active.node).__mro__ if kind.__module__.startswith("workbench."))
    made = (one for kind in own for one in kind.__dict__.get("BINDINGS", ()) if isinstance(one, Binding))
    return any(active.binding.key in one.key.split(",") for one in made)


def _words(name: str) -> str:
    """RunTable -> Run table."""
    spaced = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name).strip()
    return spaced[:1].upper() + spaced[1:]
