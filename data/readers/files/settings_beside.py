"""Settings that a trainer writes beside its log, in files of their own; never a pickle."""

from __future__ import annotations

import re
from pathlib import Path

from data.columns import LogError
from data.declared.foreign import JsonObject
from data.readers.kl import kl_remarks
from data.readers.raw.texts import load_json, read_text

MAX_BYTES = 4 << 20
FILES: dict[str, tuple[str, ...]] = {
    "args.json": ("rlhf_type", "advantage_estimator", "beta", "reward_weights", "reward_funcs"),
    "config.json": ("kl_penalty_coef", "kl_reference_config", "log_path"),
    "experiment_config.json": ("algorithm", "worker", "trainer"),
    "training_args.json": (),
}
"""ms-swift, Tinker cookbook, EasyR1, Hugging Face: the file, and names of which one must be in it.

A ``config.json`` is most often a model's, which says nothing of the training.
"""


def settings_beside(folder: Path, problems: list[str] | None = None) -> JsonObject:
    """The settings in the known files of a run's folder; empty where there are none.

    Args:
        folder: of the run; a file means the folder that it lies in.
        problems: gets a sentence for each such file that cannot be read.
    """
    place = folder.parent if folder.is_file() else folder
    found: JsonObject = {}
    for name, marks in FILES.items():
        path = place / name
        if not path.is_file():
            continue
        try:
            settings = load_json(read_text(path, MAX_BYTES), name)
        except LogError as error:
            if problems is not None:
                problems.append(f"settings were not read: {error}")
            continue
        if isinstance(settings, dict) and (not marks or any(mark in settings for mark in marks)):
            found = {**settings, **found}
    return found


ABOUT = (
    "config.json", "meta.json", "metadata.json", "units.json", "schema.json", "info.json",
    "params.json", "args.json", "run_config.json", "settings.json", "hparams.json", "columns.json",
)  # fmt: skip
"""Files beside a table that may say what its columns are."""


YAML = ("config.yaml", "config.yml", "hparams.yaml", "params.yaml", "meta.yaml", "units.yaml")
READMES = ("README.md", "README.txt", "README", "readme.md", "columns.md")
_OF_KL = re.compile(r"^\W*(the )?(column )?\W*kl\b", re.IGNORECASE)
"""A line of a README that says what the column ``kl`` is."""


def said_beside(path: Path) -> list[str]:
    """What files beside a table say of the unit of its KL, as remarks."""
    stem = path.name.partition(".")[0]
    found: list[str] = []
    for name in (*ABOUT, f"{stem}.meta.json", f"{stem}.json", f"{path.name}.json"):
        if name != path.name and (text := _text(path.with_name(name))):
            try:
                settings = load_json(text, name)
            except LogError:
                continue  # what cannot be read is told where it is read as a log
            found += kl_remarks.of_settings(settings) if isinstance(settings, dict) else []
    for name in (*YAML, f"{stem}.yaml", f"{stem}.meta.yaml"):
        found += kl_remarks.of_settings(_of_yaml(_text(path.with_name(name))))
    for name in READMES:
        lines = _text(path.with_name(name)).splitlines() if name != path.name else []
        found += [line for line in lines if _OF_KL.match(line)]
    return list(dict.fromkeys(found))


def _text(file: Path) -> str:
    """The text of a small file; empty where there is none, or it cannot be read."""
    try:
        if not file.is_file() or file.stat().st_size > MAX_BYTES:
            return ""
        return read_text(file, MAX_BYTES)
    except (LogError, OSError):
        return ""


def _of_yaml(text: str) -> dict[str, str]:
    """The texts of a settings file, each under the names of the sections above it."""
    found: dict[str, str] = {}
    above: list[tuple[int, str]] = []
    for line in text.splitlines():
        if not (entry := re.match(r"( *)([\w./-]+):\s*(.*?)\s*$", line)):
            continue
        indent, key, value = len(entry[1]), entry[2], entry[3].strip("'\"")
        above = [pair for pair in above if pair[0] < indent] + [(indent, key)]
        if value and re.search(r"[A-Za-z]{2}", value):
            found[" ".join(name for _, name in above)] = value
    return found
