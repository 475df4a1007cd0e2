"""Import in the browser: files or a path, a preview with the mapping in place, then the store."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import Any, cast

import streamlit as st

from data.columns import LogError, ReadOptions
from data.database.sql import StoreError
from data.incoming import import_places, uploads
from data.incoming.importing import Imported, import_whole
from data.incoming.previewing import Preview, preview
from data.people import kept_roles, project_roles
from data.roles.stated_roles import Roles
from data.rows import loop_tables
from data.serving.hosts import LOOPBACK, listed
from data.store import Store
from data.words.wording import count
from pages.shared.escaping import called, escaped, shown_name
from pages.shared.importing.import_mapping import mapping
from pages.shared.importing.import_preview import show_preview
from pages.shared.links import local_link

Opened = AbstractContextManager[tuple[list[Path], Callable[[str], str]]]
DONE, ROUND = "import_done", "import_round"
FILES, FOLDER, PATH = "Files", "A folder", "A path on the server"


@dataclass(frozen=True)
class Source:
    """Logs that somebody chose: what tells them from others, and how to get at them."""

    key: str
    open: Callable[[], Opened]


def reachable() -> bool:
    """Whether other machines reach this server, as far as its settings tell."""
    known = all(one.name in LOOPBACK for one in listed())
    return st.get_option("server.address") not in LOOPBACK or not known


def import_view(store: Store) -> None:
    """Choose logs, see what they would bring in, say what is not recognised, and import them."""
    source = _source(store)
    if source is None:
        return
    left, right = st.columns(2)
    project = left.text_input("Project", value=kept_roles.DEFAULT, key="import_project").strip()
    name = right.text_input(
        "Name of the run", key="import_run", placeholder="as recognised",
        help="Only where there is one run.",
    ).strip()  # fmt: skip
    options = ReadOptions(project=project or kept_roles.DEFAULT, run=name or None)
    options = kept_roles.applied(store.home, options)
    try:
        seen = _previewed(source, options)
        project_said = project_roles.chosen(store).get(str(options.project), Roles())
        roles, kept = mapping(seen, project_said, source.key + str(options.project))
        stated: dict[str, Any] = {k: v for k, v in roles.to_dict().items() if v is not None}
        if stated:
            options = replace(options, **stated)
            seen = _previewed(source, options)
    except (LogError, OSError) as refusal:
        st.error(escaped(uploads.bare(str(refusal))), icon=":material/error:")
        return
    show_preview(seen)
    if not seen.runs:
        return
    many = count(len({run.run for run in seen.runs}), "run")  # a loop comes in several tables
    if st.button(f"Import {many}", type="primary", key="import_now"):
        _bring_in(store, source, options, kept if kept != project_said else None)


def say_done() -> None:
    """Say what the last import of this session brought in, until it is closed."""
    done = st.session_state.get(DONE)
    if not done:
        return
    with st.container(border=True):
        st.success(done["said"], icon=":material/check:")
        st.html(done["links"])
        for warning in done["warnings"]:
            st.markdown(f"- {warning}")
        if st.button("Close", key="import_close"):
            del st.session_state[DONE]
            st.rerun()


def _source(store: Store) -> Source | None:
    """What the reader chose; None: nothing yet."""
    ways = [FILES, FOLDER, *([PATH] if import_places.offered(reachable()) else [])]
    way = st.segmented_control("Import", ways, default=FILES, key="import_way") or FILES
    st.caption(
        "What comes in is shown first, and nothing is stored before you import it. A log that is "
        "here already adds its new rows."
    )
    if way == PATH:
        text = st.text_input("Path of a file or folder", key="import_path")
        return _of_path(text) if text.strip() else None
    files = st.file_uploader(
        "Logs: a trainer's output, event files, tables, or any of it packed (.zip, .tar.gz)",
        accept_multiple_files="directory" if way == FOLDER else True,
        # A new round forgets the files, and frees the memory that they take.
        key=f"import_files_{way}_{st.session_state.get(ROUND, 0)}",
    )
    most = int(st.get_option("server.maxUploadSize")) << 20
    return _of_upload(store, files, most) if files else None


def _of_upload(store: Store, files: Sequence[Any], most: int) -> Source:
    sent = [uploads.Sent(file.name, file.getbuffer()) for file in files]

    @contextmanager
    def opened() -> Iterator[tuple[list[Path], Callable[[str], str]]]:
        with uploads.landed(store.home, sent, most) as landed:
            yield landed.paths, landed.with_label

    return Source("|".join(str(file.file_id) for file in files), opened)


def _of_path(text: str) -> Source:
    @contextmanager
    def opened() -> Iterator[tuple[list[Path], Callable[[str], str]]]:
        yield [import_places.checked(text, reachable())], str

    return Source(text, opened)


def _previewed(source: Source, options: ReadOptions) -> Preview:
    """What an import would bring in, read again only when files or choices have changed."""
    key = (source.key, repr(options))
    seen = st.session_state.setdefault("import_seen", {})
    if key not in seen:
        if len(seen) > 3:
            seen.clear()
        with st.spinner("Reading …"), source.open() as (paths, label):
            seen[key] = preview(paths, options, label)
    found: Preview = seen[key]
    return found


def _bring_in(store: Store, source: Source, options: ReadOptions, kept: Roles | None) -> None:
    """Import what the preview showed, and keep the mapping for the project."""
    try:
        with st.spinner("Importing …"), source.open() as (paths, label):
            done = import_whole(store, paths, options, label)
    except (LogError, StoreError, OSError) as refusal:
        st.error(escaped(uploads.bare(str(refusal))), icon=":material/error:")
        return
    notes = [
        f"{called(run['run'])}: {escaped(uploads.bare(w))}"
        for run in done.runs
        for w in run["warnings"]
    ]
    if kept is not None:
        try:
            project_roles.save(store, str(options.project), kept)
        except (LogError, StoreError) as refusal:
            notes.append(f"The mapping was not kept for the project: {escaped(refusal)}")
    st.session_state[DONE] = {"said": _counted(done), "links": _links(done), "warnings": notes}
    st.session_state[ROUND] = st.session_state.get(ROUND, 0) + 1
    st.session_state.pop("import_seen", None)
    st.rerun()


def _counted(done: Imported) -> str:
    rows = sum(run["points"] + run["gold_evaluations"] for run in done.runs)
    answers = sum(run["answers"] for run in done.runs)
    parts = [count(len(done.runs), "run"), count(rows, "new value")]
    parts += [count(answers, "answer")] if answers else []
    counts = [cast("Mapping[str, int]", run) for run in done.runs]
    others = {name: sum(run.get(name, 0) for run in counts) for name in loop_tables.NAMES}
    parts += [f"{count(n, 'row')} of {name.replace('_', ' ')}" for name, n in others.items() if n]
    return f"Imported: {', '.join(parts)}. Verdicts follow by themselves."


def _links(done: Imported, most: int = 12) -> str:
    """Links to the pages that show the runs."""
    links = []
    for run in done.runs[:most]:
        page, key = "/overoptimization", "run"
        if any(run.get(name) for name in ("iterations", "reviews", "outcomes")):
            page, key = "/iterations", "loop"
        elif not run["gold_evaluations"] and run["answers"]:
            page, key = "/hallucination", "loop"
        elif not run["points"] and run["samples"]:
            page = "/best-of-n"
        href = escape(local_link(page, [(key, run["run"])]))
        name = escape(shown_name(run["run"]))
        links.append(f'<a href="{href}" target="_self" style="color:inherit">{name}</a>')
    return f"<p>Show: {', '.join(links)}</p>"
