"""Settings that a trainer writes beside its log, in files of their own; never a pickle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from data.columns import LogError
from data.readers import kl_remarks
from data.readers.texts import load_json, read_text

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


def settings_beside(folder: Path, problems: list[str] | None = None) -> dict[str, Any]:
    """The settings in the known files of a run's folder; empty where there are none.

    Args:
        folder: of the run; a file means the folder that it lies in.
        problems: gets a sentence for each such file that cannot be read.
    """
    place = folder.parent if folder.is_file() else folder
    found: dict[str, Any] = {}
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


def said_beside(path: Path) -> list[str]:
    """What such files beside a table say of the unit of its KL, as remarks."""
    stem = path.name.partition(".")[0]
    found: list[str] = []
    for name in (*ABOUT, f"{stem}.meta.json", f"{stem}.json", f"{path.name}.json"):
        file = path.with_name(name)
        if file == path or not file.is_file() or file.stat().st_size > MAX_BYTES:
            continue
        try:
            settings = load_json(read_text(file, MAX_BYTES), name)
        except LogError:
            continue  # what cannot be read is told where it is read as a log
        if isinstance(settings, dict):
            found += kl_remarks.of_settings(settings)
    return list(dict.fromkeys(found))
