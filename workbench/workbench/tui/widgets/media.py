"""What a run logged beside numbers: keys on the left, the thing itself on the right, step by step."""

import asyncio
from typing import TYPE_CHECKING, ClassVar, cast

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import ContentSwitcher, OptionList, Static
from textual.widgets.option_list import Option
from workbench_store.errors import WorkbenchError
from workbench_store.records import MediaKey, MediaRecord
from workbench_store.words import counted

from workbench.lifecycle.logs import plain_text
from workbench.tui.looks import GREY
from workbench.tui.widgets.bars import Bars
from workbench.tui.widgets.lists import Choices, Rows, Scrolled
from workbench.tui.widgets.picture import Picture, Unreadable, load_picture
from workbench.view.format import format_number, safe_text, shorten
from workbench.view.media import (
    Content,
    Histogram,
    Image,
    MediaItem,
    Missing,
    Page,
    Table,
    cell_text,
    media_item,
    media_steps,
)

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard

#: After what went wrong, another try.
_AGAIN_SECONDS = 1.0
_MOST_ROWS = 1000
_MOST_COLUMNS = 60
_MOST_CHARACTERS = 200_000
_CELL = 60
_SIGNS = {"image": "▣", "table": "▤", "histogram": "▂", "text": "≡", "figure": "◪", "model": "◆"}


class MediaView(Horizontal):
    """The media of one run. Nothing is read before `open` is called; pillow is loaded with the first picture."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left_square_bracket", "step(-1)", "Step", key_display="[]", tooltip="One step back"),
        Binding("right_square_bracket", "step(1)", "Step on", show=False, key_display="]", tooltip="One step on"),
        Binding("left_curly_bracket", "step(-1000000000)", "First step", show=False, key_display="{"),
        Binding("right_curly_bracket", "step(1000000000)", "Last step", show=False, key_display="}"),
    ]

    def __init__(self, run: str) -> None:
        super().__init__()
        self._run = run
        self._keys: tuple[MediaKey, ...] = ()
        self._steps: tuple[MediaRecord, ...] = ()
        #: The place among the steps; None stays with the last one as more come.
        self._place: int | None = None
        self._opened = False
        self._looked_at: tuple[str, str, int] | None = None
        #: What is on the screen, and of how many; it is drawn again only when that is another.
        self._shown: tuple[MediaRecord, int] | None = None

    @property
    def dashboard(self) -> "Dashboard":
        """The app."""
        return cast("Dashboard", self.app)

    def compose(self) -> ComposeResult:
        """Keys, and for each kind of thing what shows it."""
        yield Choices(id="media-keys", markup=False)
        with Vertical():
            yield Static(id="media-head")
            with ContentSwitcher(initial="media-text"):
                with Scrolled(id="media-text"):
                    yield Static("Nothing logged but numbers yet.", id="media-words")
                yield Picture(id="media-picture")
                yield Bars(id="media-bars")
                yield Rows("media-table", zebra_stripes=True)

    def open(self) -> None:
        """The view is looked at now: read what it shows."""
        if not self._opened:
            self._opened = True
            self._list_keys()

    def offer(self, keys: tuple[MediaKey, ...]) -> None:
        """These keys are there now."""
        if keys == self._keys:
            return
        self._keys = keys
        if self._opened:
            self._list_keys()

    def _list_keys(self) -> None:
        options = self.query_one("#media-keys", OptionList)
        options.display = bool(self._keys)
        labels = [Option(_label(key), id=str(number)) for number, key in enumerate(self._keys)]
        before = [option.prompt for option in options.options]
        if before != [label.prompt for label in labels]:
            options.set_options(labels)
            places = [number for number, key in enumerate(self._keys) if _identity(key) == self._looked_at]
            options.highlighted = places[0] if places else 0
        self.load()

    @on(OptionList.OptionHighlighted)
    def _other_key(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        self.load()

    def action_step(self, by: int) -> None:
        """Go so many steps on, or back."""
        if not self._steps:
            return
        last = len(self._steps) - 1
        place = max(0, min(last, (last if self._place is None else self._place) + by))
        self._place = None if place == last else place
        self.load()

    # -- loading

    @work(exclusive=True, group="media")
    async def load(self) -> None:
        """Read and show what the cursor is on."""
        number = self.query_one("#media-keys", OptionList).highlighted
        if number is None or number >= len(self._keys):
            return
        key, layout, run = self._keys[number], self.dashboard.layout, self._run
        if _identity(key) != self._looked_at:
            self._looked_at, self._place = _identity(key), None
        try:
            self._steps = await self.dashboard.desk.ask(lambda store: media_steps(store, run, key))
            if not self._steps:
                return
            place = len(self._steps) - 1 if self._place is None else min(self._place, len(self._steps) - 1)
            record = self._steps[place]
            if (record, len(self._steps)) == self._shown:
                return
            item = await self.dashboard.desk.ask(lambda store: media_item(layout, store, run, record))
        except (WorkbenchError, OSError) as error:
            self._say(Missing(str(error)))
            self._shown = None
            self.set_timer(_AGAIN_SECONDS, self.load)
            return
        self.query_one("#media-head", Static).update(_head(item, place, len(self._steps)))
        await self._show(item.content)
        self._shown = (record, len(self._steps))

    async def _show(self, content: Content) -> None:
        if isinstance(content, Image):
            await self._show_picture(content)
        elif isinstance(content, Histogram):
            self.query_one(Bars).show(content)
            self._switch("media-bars")
        elif isinstance(content, Table):
            self._show_table(content)
        else:
            self._say(content)

    async def _show_picture(self, image: Image) -> None:
        try:
            picture = await asyncio.to_thread(load_picture, image.path)
        except Unreadable as error:
            self._say(Missing(str(error)))
            return
        if self.is_attached:
            self.query_one(Picture).show(picture)
            self._switch("media-picture")

    def _show_table(self, table: Table) -> None:
        columns = table.columns[:_MOST_COLUMNS]
        right = [kind == "number" for kind in table.types]
        titles = [_table_cell(safe_text(name), right[number]) for number, name in enumerate(columns)]
        rows = [
            [_table_cell(cell_text(cell), side) for cell, side in zip(row[:_MOST_COLUMNS], right, strict=False)]
            for row in table.rows[:_MOST_ROWS]
        ]
        self.query_one("#media-table", Rows).fill(titles, rows)
        self._switch("media-table")

    def _say(self, content: Content) -> None:
        words = self.query_one("#media-words", Static)
        if isinstance(content, Missing):
            words.update(Text(f"Nothing to show: {safe_text(content.why)}.", GREY))
        elif isinstance(content, Page):
            words.update(Text(f"A page for a browser:\n{safe_text(str(content.path))}"))
        elif not isinstance(content, Image | Table | Histogram):
            cut = "\n..." if len(content.text) > _MOST_CHARACTERS else ""
            words.update(Text(plain_text(content.text[:_MOST_CHARACTERS]) + cut))
        self._switch("media-text")

    def _switch(self, name: str) -> None:
        self.query_one(ContentSwitcher).current = name


def _identity(key: MediaKey) -> tuple[str, str, int]:
    return key.kind, key.key, key.rank


def _table_cell(text: str, right: bool) -> Text:
    return Text(shorten(text, _CELL), justify="right" if right else "left")


def _label(key: MediaKey) -> Text:
    rank = f" [{key.rank}]" if key.rank else ""
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(f"{_SIGNS.get(key.kind, '·')} ", "cyan")
    return text.append(safe_text(key.key) + rank)


def _head(item: MediaItem, place: int, total: int) -> Text:
    record, text = item.record, Text()
    text.append(f"step {record.step:,}", "bold")
    text.append(f"  {place + 1} of {total}" if total > 1 else "", GREY)
    for fact in _facts(item):
        text.append(f"  {safe_text(fact)}", GREY)
    if record.caption:
        text.append(f"  {safe_text(record.caption)}")
    return text


def _facts(item: MediaItem) -> list[str]:
    content, detail = item.content, item.record.detail
    if isinstance(content, Histogram):
        facts = [f"{format_number(content.total)} values"]
        facts += [f"mean {format_number(content.mean)}"] if content.mean is not None else []
        return facts + ([f"{content.left_out:,} not finite"] if content.left_out else [])
    if isinstance(content, Table):
        cut = f", the first {_MOST_ROWS:,}" if len(content.rows) > _MOST_ROWS else ""
        return [f"{counted(len(content.rows), 'row')}{cut}"]
    size = (detail.get("width"), detail.get("height"))
    return [f"{size[0]} x {size[1]}"] if isinstance(content, Image) and all(isinstance(n, int) for n in size) else []
