"""A store as one file, and back: the segments, from which all else is made, and the gate's
policies that were judged by, each with when it was first used.

A segment never changes once it is committed, and only ever moves from ``inbox/`` to ``archive/``,
so a backup needs nobody to stop. It is whole or not there: the file gets its name when its last
byte is on the disk, and so does what is restored.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import tarfile
import time
from pathlib import Path
from typing import TypedDict

from data import spool
from data.database.sql import StoreError
from data.declared.foreign import JsonObject
from data.owner import locked
from data.people import policies

MANIFEST = "backup.json"
KIND = "overoptimization store"
_SEGMENT = re.compile(r"\d{20}-[0-9a-f]+\.[a-z]{1,20}")
_POLICY = re.compile(rf"{policies.FOLDER}/([0-9a-f]{{12}}\.toml)")
_FILE = re.compile(r"[a-z_]{1,40}\.(parquet|json)")


class BackedUp(TypedDict):
    """What a backup holds."""

    file: str
    segments: int
    bytes: int


class Restored(TypedDict):
    """What a backup brought into a home."""

    home: str
    segments: int


class PolicyUsed(TypedDict):
    """A policy in a backup: its SHA-256, and when it was first used (seconds since 1970)."""

    sha256: str
    used: float


def back_up(home: Path, file: Path) -> BackedUp:
    """Write the store in ``home`` into a new file; what it holds: segments, bytes, made.

    Raises:
        StoreError: the file is there already, or a segment cannot be read.
        OSError: the file cannot be written; nothing of it is left.
    """
    if file.exists():
        raise StoreError(f"{file} is there already: name another file, or remove it")
    segments = spool.committed(home)
    draft = file.with_name(f"{file.name}.{os.getpid()}.part")
    try:
        with draft.open("xb") as target, tarfile.open(fileobj=target, mode="w") as tar:
            added = {name: _add(tar, home, name) for name in segments}
            sums = {name: files for name, files in added.items() if files is not None}
            summary = {
                "kind": KIND, "made": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "segments": sums,
                "policies": {file.name: _add_policy(tar, file) for file in policies.files(home)},
            }  # fmt: skip
            _entry(tar, MANIFEST, json.dumps(summary).encode())
        with draft.open("rb+") as written:
            os.fsync(written.fileno())
        os.link(draft, file)  # fails where a file of that name has come meanwhile
    except FileExistsError:
        raise StoreError(f"{file} is there already: name another file, or remove it") from None
    finally:
        draft.unlink(missing_ok=True)
    return {"file": str(file), "segments": len(sums), "bytes": file.stat().st_size}


def _add(tar: tarfile.TarFile, home: Path, name: str) -> dict[str, str] | None:
    """Put one segment into the tar; the SHA-256 of each of its files, None where it is gone: it
    waited, and told nothing new."""
    for _ in range(3):  # it may move into the archive meanwhile, under a later name
        try:
            folder = spool.find(home, name)
        except FileNotFoundError:
            return None
        try:
            files = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
        except FileNotFoundError:
            continue
        for file, content in files.items():
            _entry(tar, f"{folder.name}/{file}", content)
        return {file: hashlib.sha256(content).hexdigest() for file, content in files.items()}
    raise StoreError(f"the segment {name} cannot be read")


def _add_policy(tar: tarfile.TarFile, file: Path) -> PolicyUsed:
    """Put a policy into the tar; its SHA-256, and when it was first used (seconds since 1970)."""
    content = file.read_bytes()
    _entry(tar, f"{policies.FOLDER}/{file.name}", content)
    return {"sha256": hashlib.sha256(content).hexdigest(), "used": file.stat().st_mtime}


def _entry(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mtime = len(content), int(time.time())
    tar.addfile(entry, io.BytesIO(content))


def a_backup(file: Path) -> Path:
    """The file itself; asked before a home is made, which a mistyped name would leave behind.

    Raises:
        StoreError: it is not there, no file, or none that ``back_up`` made.
    """
    if not file.is_file():
        raise StoreError(f"{file} is not there, or no file: name a backup that was made")
    if not tarfile.is_tarfile(file):
        raise StoreError(f"{file} is no backup of a store: name one that was made")
    return file


def restore(file: Path, home: Path) -> Restored:
    """Bring a backup into a home that holds no store yet; how many segments came.

    Raises:
        StoreError: there is a store already, or the file is no whole backup; nothing is changed.
    """
    with locked(home):
        if any((home / name).exists() for name in ("store.duckdb", "archive", "inbox")):
            raise StoreError(
                f"{home} holds a store already, and a backup never overwrites one: set "
                "OVEROPT_HOME to a new folder, or move that one away"
            )
        with spool.scratch(home) as scratch:
            count = _unpacked(file, Path(scratch) / "archive")
            policies.move(Path(scratch), home)
            os.rename(Path(scratch) / "archive", home / "archive")
            spool.sync_folder(home)
    return {"home": str(home), "segments": count}


def _unpacked(file: Path, folder: Path) -> int:
    """Unpack and compare every byte; how many segments there are."""
    folder.mkdir()
    sums: dict[str, dict[str, str]] = {}
    texts: dict[str, str] = {}
    manifest: JsonObject | None = None
    try:
        with tarfile.open(file, "r:") as tar:
            for entry in tar:
                content = tar.extractfile(entry) if entry.isfile() else None
                if content is None:
                    raise StoreError(f"{file} is no backup of a store: it holds {entry.name}")
                if entry.name == MANIFEST:
                    manifest = json.loads(content.read())
                    continue
                if policy := _POLICY.fullmatch(entry.name):
                    written = content.read()
                    policies.put(folder.parent, policy[1], written)
                    texts[policy[1]] = hashlib.sha256(written).hexdigest()
                    continue
                segment, _, name = entry.name.partition("/")
                if not _SEGMENT.fullmatch(segment) or not _FILE.fullmatch(name):
                    raise StoreError(f"{file} is no backup of a store: it holds {entry.name}")
                target = folder / segment / name
                target.parent.mkdir(exist_ok=True)
                with target.open("xb") as out:
                    shutil.copyfileobj(content, out)
                    out.flush()
                    os.fsync(out.fileno())
                sums.setdefault(segment, {})[name] = spool.digest(target)
    except (tarfile.TarError, EOFError, ValueError, FileExistsError) as error:
        raise StoreError(f"{file} is no whole backup of a store: {error}") from error
    kept = _promised(manifest)
    if kept is None:
        raise StoreError(f"{file} is no whole backup of a store: it says not what it holds")
    came = {spool.token_of(segment): found for segment, found in sums.items()}
    for segment, promised in kept.items():
        if came.get(spool.token_of(segment)) != promised:
            raise StoreError(f"{file} is damaged: segment {segment} is not as it was written")
    if len(kept) != len(came):
        raise StoreError(f"{file} is damaged: it holds more than it says")
    _check_policies(file, folder.parent, manifest or {}, texts)
    return len(kept)


def _check_policies(file: Path, home: Path, manifest: JsonObject, texts: dict[str, str]) -> None:
    promised = (
        manifest.get("policies") or {}
    )  # of a backup from before they were in it there are none
    try:
        if {name: one["sha256"] for name, one in promised.items()} != texts:
            raise StoreError(f"{file} is damaged: its policies are not as they were written")
        for name, one in promised.items():
            policies.used(home, name, float(one["used"]))
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise StoreError(f"{file} is no whole backup of a store: {error}") from error


def _promised(policies: object) -> dict[str, dict[str, str]] | None:
    if not isinstance(policies, dict) or policies.get("kind") != KIND:
        return None
    segments = policies.get("segments")
    return segments if isinstance(segments, dict) else None
