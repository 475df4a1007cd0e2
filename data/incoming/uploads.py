"""Files that a browser sent: put down for the while that they are read, under names made safe."""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from data.columns import LogError

MOST_FILES = 5000
NAMELESS = "upload"
"""The folder of the files, and so the name of a run that has none; its content's is above."""
DEEPEST = 12
LONGEST = 120  # characters of one part of a name
_LABEL = re.compile(r"\buploaded-[0-9a-f]{10}(/(?:\d+/(?=[^/\s]))?|\b)")
_ODD = re.compile(r"[\x00-\x1f\x7f/\\]")


@dataclass(frozen=True)
class Sent:
    """A file as the browser sent it; the name may lead through folders."""

    name: str
    content: bytes | memoryview


@dataclass(frozen=True)
class Landed:
    """Where an upload was put down, and how its paths are told."""

    paths: list[Path]
    root: Path
    label: str

    def with_label(self, text: str) -> str:
        """A text that names paths of the upload, with the names that they were sent under.

        One content has one name, so that the same upload again is known.
        """
        return text.replace(str(self.root), self.label)


def bare(text: str) -> str:
    """A text for readers: a file by the name that it was sent under, without the upload's own.

    >>> bare("uploaded-0123456789/a.csv: no rows"), bare("uploaded-0123456789 has no log")
    ('a.csv: no rows', 'the upload has no log')
    """
    return _LABEL.sub(lambda found: "" if found[1] else "the upload", text)


def fingerprint(files: Sequence[Sent]) -> str:
    """A short name of files' names and contents."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{len(file.name)} {file.name} {len(file.content)} ".encode(errors="replace"))
        digest.update(file.content)
    return digest.hexdigest()[:10]


@contextmanager
def landed(home: Path, files: Sequence[Sent], most: int) -> Iterator[Landed]:
    """The files in a folder of the store's, gone afterwards.

    Args:
        home: folder of the store.
        files: what the browser sent.
        most: bytes that all of them together may have.

    Raises:
        LogError: they are too many or too large.
    """
    size = sum(len(file.content) for file in files)
    if size > most:
        raise LogError(
            f"the upload has {size / 2**20:.3g} MB; at most {most / 2**20:.3g} MB are taken. "
            "Larger logs come in with: python -m data import PATH"
        )
    if len(files) > MOST_FILES:
        raise LogError(f"the upload has {len(files):,} files; at most {MOST_FILES:,} are taken")
    (home / "tmp").mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="upload-", dir=home / "tmp")).resolve()
    try:
        label = f"uploaded-{fingerprint(files)}"
        root = folder / label / NAMELESS
        root.mkdir(parents=True)
        for file in files:
            place = _free(root, safe_parts(file.name))
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(file.content)
        yield Landed(sorted(root.iterdir()), root, label)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def safe_parts(name: str) -> list[str]:
    """A sent name as parts of a path that stays below the folder it is put into.

    >>> safe_parts("../../etc/passwd"), safe_parts("C:\\\\runs\\\\a.csv"), safe_parts(" .bashrc")
    (['etc', 'passwd'], ['C:', 'runs', 'a.csv'], ['_.bashrc'])
    """
    parts = []
    for part in re.split(r"[/\\]", name):
        text = _ODD.sub("_", part).encode("utf-8", "replace").decode().strip()
        if text in ("", ".", ".."):
            continue
        if text.startswith(".") and text != ".art":  # hidden files are passed by
            text = f"_{text}"
        parts.append(_short(text))
    return parts[-DEEPEST:] or ["unnamed"]


def _short(name: str) -> str:
    """At most LONGEST characters and 240 bytes, the suffixes kept."""
    if len(name) > LONGEST:
        name = name[: LONGEST - 30] + name[-30:]
    while len(name.encode()) > 240:
        name = name[1:]
    return name


def _free(root: Path, parts: Sequence[str]) -> Path:
    """Where a file goes; in a numbered folder where something of its name is there already."""
    number, place = 1, root.joinpath(*parts)
    while place.exists() or any(up.is_file() for up in place.parents):
        number += 1
        place = root.joinpath(str(number), *parts)
    return place
