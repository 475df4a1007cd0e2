"""Start with ``streamlit run app.py``: owns the store, serves pages and the store's routes."""

import sys
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import streamlit as st
from starlette.middleware import Middleware

from data import api
from data.columns import PANELS
from data.database.sql import StoreError
from data.incoming import ingest
from data.incoming.importing import fill_with_examples
from data.owner import StoreOwned
from data.serving import ending
from data.serving.given_back import give_back
from data.serving.guard import Guard
from data.serving.half_open import end_half_open
from data.serving.hosts import LOOPBACK, BadAddress, listed
from data.words.terminal import Shown
from pages.shared.escaping import escaped
from pages.shared.keeping import judging, ownership
from pages.shared.server import alerting, moved, ready, worker
from pages.shared.server.packed import Packed
from pages.shared.server.styled import Styled
from pages.shared.server.verdict_routes import verdict_routes


def where(local: str) -> str:
    """What the start prints: the addresses, and what is missing for others to come in."""
    says = f"Reward overoptimization monitor: {', '.join([local, *(one.url for one in listed())])}"
    if st.get_option("server.address") not in LOOPBACK and not listed():
        says += (
            "\nIt listens to the network, but answers to localhost only: set OVEROPT_URL to the "
            "address that others open, such as http://monitor.example:8501."
        )
    return says


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[dict[str, object]]:
    """Serve the store while the pages are up."""
    give_back()
    address = f"http://127.0.0.1:{st.get_option('server.port')}"
    owner = ownership.owner()
    owner.serve(address)
    ready.load()
    ready.warm(PANELS)
    ending.end_within_grace()
    end_half_open()
    stop, stop_alerts = worker.start(owner.store), alerting.start(owner.store)
    print(where(address.replace("127.0.0.1", "localhost")), flush=True)
    try:
        yield {}
    finally:
        stop_alerts()
        stop()
        ownership.release()


# The server's log is read in a terminal, and names what logs hold.
sys.stdout, sys.stderr = Shown(sys.stdout), Shown(sys.stderr)
try:
    ending.grace()
    judging.judges()
except ValueError as refusal:  # settings of the environment
    print(refusal, file=sys.stderr, flush=True)
    sys.exit(1)
try:
    listed()
    fill_with_examples(ownership.owner())
except (BadAddress, StoreOwned, StoreError) as refusal:
    print(refusal, file=sys.stderr, flush=True)
    sys.exit(1)


def say(error: Exception) -> bool:
    """A page that fails says so in a sentence; the server's log has the traceback."""
    if isinstance(error, StoreError):
        print(error, file=sys.stderr, flush=True)
        st.error(escaped(str(error)), icon=":material/error:")
        return True
    traceback.print_exception(error)
    st.error(
        f"This page could not be drawn ({type(error).__name__}). The server's log says where. "
        "Try the overview, or another run.",
        icon=":material/error:",
    )
    return True


app = st.App(
    "pages/shared/menu.py",
    lifespan=lifespan,
    on_script_error=say,
    middleware=[Middleware(Guard), Middleware(Packed), Middleware(Styled)],
    routes=[
        *api.routes(ownership.held_owner),
        *ingest.routes(ownership.held_owner),
        *verdict_routes(ownership.held_owner),
        *moved.routes(),
    ],
)
