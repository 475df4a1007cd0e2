"""Packed logs (.gz, .bz2, .xz, .zst around one file, .zip and .tar around many), read unpacked.

They are unpacked into a folder that is gone afterwards, and read there as what they are; what is
told of them names the archive. What unpacks to more than logs do is refused.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any

from data.columns import LogError, ReadOptions, RunLog, Skip
from data.readers.files.table_files import SUFFIXES
from data.readers.raw.reader import Gives, Piece, Reader, in_store, shown, skip

ONE = (".gz", ".bz2", ".xz", ".zst")
MANY = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst")
MOST_FILES = 20_000
MOST_BYTES = 8 << 30
EXPANSION, FREE = 200, 64 << 20
"""Unpacked bytes a packed byte, beyond which it is a bomb; bytes that are always free."""
CHUNK = 1 << 20
_BROKEN = (
    EOFError, OSError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, tarfile.TarError,
    RuntimeError, NotImplementedError, ValueError,
)  # fmt: skip


def recognises(path: Path) -> bool:
    """Whether a file is, by its name, packed, and not of those that a reader reads as they are."""
    name = path.name.lower()
    if name.endswith(MANY):
        return True
    return name.endswith(ONE) and not name.endswith(SUFFIXES)


def read(paths: Sequence[Path], options: ReadOptions) -> Iterator[Piece | RunLog | Skip]:
    """Unpack each archive and read what is in it."""
    for path in paths:
        try:
            with unpacked(path) as (root, inside):
                yield from _read(path, root, inside, options)
        except LogError as error:
            yield skip(path, error)


def _read(path: Path, root: Path, inside: Path, options: ReadOptions) -> Iterator[RunLog | Skip]:
    from data.readers.runs.reading import read_unpacked  # it knows this one: archives hold logs

    for item in read_unpacked([inside], options):
        if isinstance(item, Skip):
            reason = item.reason.replace(f"{root}/", "")
            yield Skip(_place(item.path, path, root), reason)
            continue
        item.path = _place(item.path, path, root)
        for source in item.facts.sources:
            source["path"] = _place(str(source["path"]), path, root)
        yield item


def _place(name: str, archive: Path, root: Path) -> str:
    """An unpacked path as one inside its archive."""
    inner = name.removeprefix(f"{root}/{archive.parent.name}").strip("/")
    return shown(archive / inner) if name.startswith(str(root)) and inner else shown(archive)


@contextmanager
def unpacked(path: Path) -> Iterator[tuple[Path, Path]]:
    """A folder with what an archive holds, gone afterwards, and the file or folder in it to read.

    Raises:
        LogError: it is broken, holds too much, or a name that leads out of it.
    """
    with tempfile.TemporaryDirectory(prefix="overopt-") as name:
        root = Path(name).resolve() / _stem(path)  # makes a run's name unique where it must
        place = root / (path.parent.name or "run")  # names a run as the archive's folder would
        place.mkdir(parents=True)
        try:
            inside = _unpack(path, place)
        except _BROKEN as error:
            cause = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
            raise LogError(f"{path.name} cannot be unpacked ({cause})") from None
        yield root, inside


def _stem(path: Path) -> str:
    """An archive's name without what says how it is packed."""
    ending = next((e for e in (*MANY, *ONE) if path.name.lower().endswith(e)), "")
    return path.name.removesuffix(path.name[len(path.name) - len(ending) :]) or "archive"


def _unpack(path: Path, place: Path) -> Path:
    name = path.name.lower()
    budget = Budget(path)
    if name.endswith(".zip"):
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                if info.filename.endswith("/") or stat.S_ISLNK(info.external_attr >> 16):
                    continue
                with archive.open(info) as file:
                    budget.copy(file, _inside(place, info.filename, path))
        return _only(place)
    if name.endswith(MANY):
        with _opened(path) as raw, tarfile.open(fileobj=raw, mode="r|") as tar:
            for member in tar:
                member_file = tar.extractfile(member) if member.isfile() else None
                if member_file is not None:
                    budget.copy(member_file, _inside(place, member.name, path))
        return _only(place)
    target = place / path.name[: len(path.name) - len(path.suffix)]
    with _opened(path) as packed:
        budget.copy(packed, target)
    return target


def _opened(path: Path) -> Any:
    """A file unpacked while it is read, by its last suffix."""
    suffix = path.suffix.lower()
    if suffix in (".gz", ".tgz"):
        return gzip.open(path, "rb")
    if suffix in (".bz2", ".tbz2"):
        return bz2.open(path, "rb")
    if suffix in (".xz", ".txz"):
        return lzma.open(path, "rb")
    if suffix == ".zst":
        import pyarrow as pa  # takes a tenth of a second, which few logs need

        return pa.CompressedInputStream(pa.OSFile(str(path), "rb"), "zstd")
    return path.open("rb")


def _inside(place: Path, name: str, path: Path) -> Path:
    """Where a member goes; a name that leads out of the folder is refused."""
    inner = PurePosixPath(name.replace("\\", "/"))
    if inner.is_absolute() or ".." in inner.parts or "\0" in name:
        raise LogError(f"{path.name} holds {name[:80]!r}, which leads out of it")
    if not inner.parts:
        raise LogError(f"{path.name} holds a file without a name: it is damaged, pack it again")
    return place / inner


def _only(place: Path) -> Path:
    """The folder to read: its one file or folder, so that this names the run, or itself."""
    entries = [entry for entry in place.iterdir() if entry.name != "__MACOSX"]
    return entries[0] if len(entries) == 1 else place


class Budget:
    """How much one archive may unpack to."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.most = min(MOST_BYTES, FREE + EXPANSION * path.stat().st_size)
        self.bytes = self.files = 0

    def copy(self, file: IO[bytes], target: Path) -> None:
        """Copy one file.

        Raises:
            LogError: the archive holds more files or bytes than logs do.
        """
        self.files += 1
        if self.files > MOST_FILES:
            raise LogError(f"{self.path.name} holds more than {MOST_FILES:,} files")
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as out:
            while chunk := file.read(CHUNK):
                self.bytes += len(chunk)
                if self.bytes > self.most or self.bytes > shutil.disk_usage(target.parent).free / 2:
                    raise LogError(
                        f"{self.path.name} unpacks to more than {self.most >> 20} MiB, which no "
                        "log of its size does"
                    )
                out.write(chunk)


READER = Reader(
    name="archive",
    expects="any of these packed (.zip, .tar, .gz, .bz2, .xz, .zst)",
    rank=9,
    gives=(Gives.METRICS,),
    recognises=recognises,
    read=read,
    belongs=in_store,
    examples=("tests/data/logs/archive",),
    tells="what is packed in it, up to 8 GiB and 20,000 files",
    kl="as of what is packed",
)
