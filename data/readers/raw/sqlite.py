"""Opening someone else's SQLite file: nothing is written beside it, nothing in it trusted."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from data.columns import LogError

MAX_CELL = 64 << 20  # bytes of one value; a larger one is no row of metrics
MAX_SECONDS = 60.0  # of one query between two of its rows
COPIES = 5  # attempts to copy a database that is being written
MAGIC = b"SQLite format 3\x00"


@contextlib.contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """A read-only connection that leaves no file beside ``path``, in a read-only folder too.

    A finished database is opened as immutable. Beside a live one lies a ``-wal`` with its latest
    rows; SQLite would make files to read that, so both are copied to a temporary folder.

    Raises:
        LogError: the file cannot be opened, or is no SQLite database (also inside the block).
    """
    try:
        with path.open("rb") as file:
            if file.read(16) != MAGIC:
                raise LogError(f"{path.name} is not an SQLite database")
        wal = path.with_name(path.name + "-wal")
        live = wal.is_file() and wal.stat().st_size > 0
    except OSError as error:
        raise LogError(f"{path.name} cannot be opened ({error.strerror or error})") from None
    with contextlib.ExitStack() as stack:
        if live:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="overopt-")))
            source = f"file:{quote(str(_copy(path, wal, folder)))}?mode=rw"
        else:
            source = f"file:{quote(str(path))}?mode=ro&immutable=1"
        try:
            connection = stack.enter_context(
                contextlib.closing(sqlite3.connect(source, uri=True, check_same_thread=False))
            )
            connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 16 * MAX_CELL)
            connection.execute("pragma trusted_schema = off")
            connection.execute("pragma query_only = on")
            yield connection
        except (sqlite3.Error, OverflowError, MemoryError, UnicodeError) as error:
            cause = str(error).splitlines()[0][:160] if str(error) else type(error).__name__
            raise LogError(f"{path.name} is not a whole SQLite database ({cause})") from None


def _copy(path: Path, wal: Path, folder: Path) -> Path:
    """A copy of database and log of one moment: no checkpoint ran while it was made."""
    target = folder / "copy.db"
    for attempt in range(COPIES):
        try:
            before = _moment(path, wal)
            shutil.copyfile(wal, folder / "copy.db-wal")
            shutil.copyfile(path, target)
            if before == _moment(path, wal):
                return target
        except FileNotFoundError:
            if not wal.exists() and path.exists():  # the writer has just finished
                (folder / "copy.db-wal").unlink(missing_ok=True)
                shutil.copyfile(path, target)
                return target
        except OSError as error:
            raise LogError(f"{path.name} cannot be copied ({error.strerror or error})") from None
        time.sleep(0.05 * (attempt + 1))
    raise LogError(f"{path.name} is written too busily to be read now; import it again")


def _moment(path: Path, wal: Path) -> tuple[int, int, bytes]:
    """What changes when the log is written back into the database: its salts, and the file."""
    with wal.open("rb") as file:
        header = file.read(32)
    status = path.stat()
    return status.st_mtime_ns, status.st_size, header


def of_no_tracker(path: Path) -> str:
    """What is said of a whole database that holds something else than runs."""
    return f"{path.name} is a database, but neither trackio's nor MLflow's"


def tables(connection: sqlite3.Connection) -> dict[str, list[str]]:
    """The database's plain tables with their columns; no views and no virtual tables."""
    found: dict[str, list[str]] = {}
    for name, text in connection.execute("select name, sql from sqlite_master where type='table'"):
        if isinstance(text, str) and text.lstrip().lower().startswith("create table"):
            rows = connection.execute("select name from pragma_table_info(?)", (str(name),))
            found[str(name)] = [str(row[0]) for row in rows]
    return found


def rows(
    connection: sqlite3.Connection, query: str, parameters: tuple[object, ...] = ()
) -> Iterator[tuple[object, ...]]:
    """The rows of a query; one that finds no row for a minute is given up.

    Raises:
        sqlite3.OperationalError: interrupted.
    """
    deadline = [time.monotonic() + MAX_SECONDS]
    connection.set_progress_handler(lambda: time.monotonic() > deadline[0], 100_000)
    try:
        for row in connection.execute(query, parameters):
            yield row
            deadline[0] = time.monotonic() + MAX_SECONDS
    finally:
        connection.set_progress_handler(None, 0)
