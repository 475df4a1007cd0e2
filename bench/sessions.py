"""A session of the pages without a browser: Streamlit's own messages over its websocket."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

MOST_MESSAGE = 200_000_000


class Hung(Exception):
    """The script did not finish in time, or the server went away."""


@dataclass(frozen=True)
class Drawn:
    """seconds until "script finished", what was drawn, what failed, what can be chosen."""

    seconds: float
    elements: int
    charts: int
    words: str
    failed: list[str]
    choices: dict[str, WidgetState]


class Session:
    """One reader: opens pages and changes widgets, each time waiting until the script is done."""

    def __init__(self, url: str, patience: float = 120) -> None:
        host = urlsplit(url).netloc
        self.patience = patience
        self.widgets: dict[str, WidgetState] = {}
        self._parts: dict[str, str] = {}
        self.page, self.query = "", ""
        self.elements: list[Element] = []
        self._hash = ""
        self._looks: set[tuple[float, str]] = set()
        self._connecting = connect(
            f"ws://{host}/_stcore/stream", origin=Origin(f"http://{host}"),
            subprotocols=[Subprotocol("streamlit")], max_size=MOST_MESSAGE,
            open_timeout=patience, ping_interval=None,
        )  # fmt: skip

    def __enter__(self) -> Session:
        try:
            self._socket = self._connecting.__enter__()
        except (OSError, WebSocketException) as error:
            raise Hung(f"no session: {error}") from error
        return self

    def __exit__(self, *error: Any) -> None:
        self._connecting.__exit__(*error)

    def open(self, address: str) -> Drawn:
        """Open a page by its address, as a link does."""
        parts = urlsplit(address)
        self.page, self.query, self.widgets = parts.path.strip("/"), parts.query, {}
        self._hash = ""
        self._looks.clear()
        return self._run()

    def choose(self, state: WidgetState) -> Drawn:
        """Change one widget, as one of ``Drawn.choices`` says; its part of the page is run."""
        self.widgets[state.id] = state
        return self._run(self._parts.get(state.id, ""))

    def send(self, address: str) -> None:
        """Ask for a page without waiting for it."""
        parts = urlsplit(address)
        self.page, self.query, self.widgets = parts.path.strip("/"), parts.query, {}
        self._hash = ""
        self._ask()

    def stay(self, seconds: float) -> Drawn | None:
        """Keep the page open as a browser does: its parts that look for news run by themselves.

        Returns:
            The last run that drew the whole page anew, None where there was no news.
        """
        end, drawn = time.monotonic() + seconds, None
        while self._looks and (now := time.monotonic()) < end:
            interval, fragment = min(self._looks)
            time.sleep(max(0.0, min(interval, end - now)))
            began = time.monotonic()
            try:
                self._ask(fragment, by_itself=True)
                found = self._until_finished(began)
            except (TimeoutError, OSError, WebSocketException) as error:
                raise Hung(f"{self.page}: no end of a look in {self.patience:g} s") from error
            drawn = found if found.charts or found.words else drawn
        return drawn

    def _ask(self, fragment: str = "", by_itself: bool = False) -> None:
        message = BackMsg()
        if fragment:
            message.rerun_script.fragment_id = fragment
            message.rerun_script.is_auto_rerun = by_itself
        message.rerun_script.query_string = self.query
        message.rerun_script.page_name = self.page
        message.rerun_script.page_script_hash = self._hash
        message.rerun_script.widget_states.widgets.extend(self.widgets.values())
        self._socket.send(message.SerializeToString())

    def _run(self, fragment: str = "") -> Drawn:
        began = time.monotonic()
        try:
            self._ask(fragment)
            return self._until_finished(began)
        except (TimeoutError, OSError, WebSocketException) as error:
            raise Hung(f"{self.page}?{self.query}: no end in {self.patience:g} s") from error

    def _until_finished(self, began: float) -> Drawn:
        elements: list[Element] = []
        while True:
            left = began + self.patience - time.monotonic()
            if left <= 0:
                raise TimeoutError
            message = ForwardMsg.FromString(self._socket.recv(timeout=left, decode=False))
            kind = message.WhichOneof("type")
            if kind == "navigation":  # a run of the whole page: its parts say again when they look
                self._hash = message.navigation.page_script_hash
                self._looks.clear()
            elif kind == "auto_rerun":
                self._looks.add((message.auto_rerun.interval, message.auto_rerun.fragment_id))
            if kind == "delta" and message.delta.WhichOneof("type") == "new_element":
                elements.append(message.delta.new_element)
                for _, state in _choices(message.delta.new_element):
                    self._parts[state.id] = message.delta.fragment_id
            # a script that asks for a rerun of itself is not done yet
            elif (
                kind == "script_finished"
                and message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN
            ):
                self.elements = elements
                return _drawn(time.monotonic() - began, elements)


def _drawn(seconds: float, elements: list[Element]) -> Drawn:
    charts = sum(element.HasField("plotly_chart") for element in elements)
    failed = [element.exception.message for element in elements if element.HasField("exception")]
    failed += [
        e.alert.body
        for e in elements
        if e.HasField("alert") and "could not be drawn" in e.alert.body
    ]
    words = "\n".join(
        getattr(element, kind).body for element in elements
        if (kind := element.WhichOneof("type")) in ("markdown", "alert", "heading")
    )  # fmt: skip
    choices = {key: state for element in elements for key, state in _choices(element)}
    return Drawn(seconds, len(elements), charts, words, failed, choices)


def _choices(element: Element) -> list[tuple[str, WidgetState]]:
    """What a reader could do with an element: a label, and the state it would have then."""
    if element.HasField("selectbox"):
        box = element.selectbox
        return [(f"{box.label}: {o}", WidgetState(id=box.id, string_value=o)) for o in box.options]
    if element.HasField("checkbox"):
        tick = element.checkbox
        return [(tick.label, WidgetState(id=tick.id, bool_value=not tick.default))]
    if element.HasField("button_group"):
        group = element.button_group
        return [(f"{group.label}: {o.content}", _pressed(group.id, o.content))
                for o in group.options]  # fmt: skip
    return []


def _pressed(identity: str, content: str) -> WidgetState:
    state = WidgetState(id=identity)
    state.string_array_value.data.append(content)
    return state
