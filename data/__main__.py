"""Commands on the store: ``python -m data import PATH…``, list, export, forget, serve."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path

from rich.text import Text

from data import spool
from data.columns import RunLog, Skip
from data.database.results import RunResult
from data.home import begun, existing, home
from data.incoming.importing import Imported, import_paths, known_project
from data.incoming.watching import INTERVAL, Watch, follow
from data.outgoing.exporting import TABLES, table_rows, write_rows
from data.outgoing.printing import print_table, show_check, show_import
from data.owner import Owner
from data.people import kept_roles, project_roles, sealing
from data.pull import command as pull_command
from data.readers.runs.formats import FORMATS
from data.remote import StoreAccess
from data.roles.role_options import add_roles, read_options
from data.roles.stated_roles import ROLE_NAMES, Roles
from data.serving.failing import ended
from data.serving.hosts import listed
from data.serving.watches import Heart
from data.upkeep.backup import a_backup, back_up, restore
from data.upkeep.checking import check
from data.words.terminal import LONGEST, Terminal, one_line

LIST_KEYS = (
    "points", "gold_evaluations", "samples", "answers", "step_end", "kl_end"
)  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0 = done, 1 = something was skipped or refused, 2 = wrong usage."""
    options = _parser().parse_args(argv)
    return ended(lambda: int(options.do(options)), getattr(options, "json", False))


def _import(options: argparse.Namespace) -> int:
    read = replace(read_options(options), format=options.format, strict=options.strict)
    seen = {"runs": 0, "skipped": 0}
    with Terminal(stderr=True).status("Reading …") as status:

        def progress(item: RunLog | Skip) -> None:
            seen["skipped" if isinstance(item, Skip) else "runs"] += 1
            what = Path(item.path).name
            message = f"Reading … {seen['runs']} runs, {seen['skipped']} skipped; last {what}"
            status.update(Text(message))

        done = import_paths(home(), options.paths, read, progress)
    if options.json:
        print(json.dumps(done.to_json(), indent=1))
    else:
        show_import(done.runs, done.skipped)
    return 1 if done.skipped else 0


def _watch(options: argparse.Namespace) -> int:
    missing = [path for path in options.paths if not path.exists()]
    for path in missing:
        print(f"{path}: is not there (yet)", file=sys.stderr)
    read = read_options(options)
    known = known_project(home(), options.paths) if options.project is None else None
    read = kept_roles.applied(home(), read, known)

    def drain() -> None:
        with StoreAccess(home()) as store:
            store.drain()

    def printed_import(done: Imported) -> None:
        with StoreAccess(home()) as store:
            results = store.results(done.segments)
        for run in (run for result in results for run in result["runs"]):
            if run["changed"]:
                print(f"{one_line(run['run'])}: {run['points']} new rows", flush=True)
        for skip in done.skipped:
            print(one_line(f"skipped {skip.path}: {skip.reason}", LONGEST), flush=True)

    print(f"Following {len(options.paths)} paths; stop with Ctrl-C.", flush=True)
    heart = Heart(home(), options.paths)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # somebody ends it, as by Ctrl-C
    try:
        follow(
            Watch(home(), options.paths, read), drain, printed_import, options.interval, heart.beat
        )
    except KeyboardInterrupt:
        heart.stop()
        print("Stopped; what was read is in the store.")
    return 0


def _list(options: argparse.Namespace) -> int:
    with StoreAccess(begun()) as store:
        frame = store.query("runs", project=options.project, runs=None)
    rows = [
        {"run": row["run_id"], "project": row["project"], "format": row["format"]}
        | {key: row[key] for key in LIST_KEYS}
        for row in frame.iter_rows(named=True)
    ]
    if options.json:
        print(json.dumps(rows, indent=1))
    elif rows:
        print_table(("run", "project", "format", *LIST_KEYS), rows)
    else:
        print("The store is empty. Fill it with: python -m data import PATH")
    return 0


def _check(options: argparse.Namespace) -> int:
    with StoreAccess(begun()) as store:
        checked = check(store, options.project, whole=True)
    code = 1 if checked["damaged"] else 0
    if options.json:
        print(json.dumps(checked, indent=1))
        return code
    show_check(checked)
    return code


def _roles(options: argparse.Namespace) -> int:
    given = {name: getattr(options, name) for name in ROLE_NAMES}
    with StoreAccess(begun()) as store:
        before = project_roles.chosen(store).get(options.project, Roles())
        changed: list[RunResult] = []
        roles = before
        if options.reset:
            changed, roles = project_roles.reset(store, options.project), Roles()
        elif any(value is not None for value in given.values()):
            stated = {name: value for name, value in given.items() if value is not None}
            roles = Roles(**{**before.to_dict(), **stated})
            changed = project_roles.save(store, options.project, roles, options.mend)
        keys = project_roles.logged_keys(store, options.project)
    if options.json:
        printed = {
            "project": options.project,
            "roles": roles.to_dict(),
            "keys": keys,
            "runs": changed,
        }
        print(json.dumps(printed, indent=1))
        return 0
    console = Terminal()
    for name, value in roles.to_dict().items():
        console.print(Text(f"{name.replace('_', ' ')}: {one_line(value or 'as recognised')}"))
    for row in changed:
        keys_read = (one_line(row[key] or "none") for key in ("proxy_key", "gold_key"))
        summary = "proxy {}, gold {}".format(*keys_read)
        console.print(
            Text(f"{one_line(row['run'])} read again: {summary}, KL {row['kl_conversion']}")
        )
    console.print(Text(f"logged keys: {', '.join(map(one_line, keys)) or 'none'}"))
    return 0


def _forget(options: argparse.Namespace) -> int:
    place = begun()
    name = spool.write_forget(place, options.runs)
    with StoreAccess(place) as store:
        store.drain()
        rows = store.results([name])[0]["runs"]
    if options.json:
        print(json.dumps(rows, indent=1))
    else:
        for row in rows:
            known = "forgotten" if row["forgotten"] else "there is no such run"
            print(f"{one_line(row['run'])}: {known}")
    return 0 if all(row["forgotten"] for row in rows) else 1


def _seal(options: argparse.Namespace) -> int:
    asks = options.source is None or options.unseal
    with StoreAccess(begun() if asks else home()) as store:
        if options.source is not None:
            act = sealing.unseal if options.unseal else sealing.seal
            act(store, options.project, options.source, options.by or "")
        sealed = sealing.sealed(store).get(options.project, [])
        acts = store.query("seals", project=options.project).to_dicts()
        runs = store.query("sealed_sources", runs=None).to_dicts()
        every = store.query("runs", project=options.project, runs=None)["run_id"]
    scores = [one for one in runs if one["run_id"] in set(every)]
    if options.json:
        printed = {"project": options.project, "sealed": sealed, "runs": scores, "acts": acts}
        print(json.dumps(printed, indent=1))
        return 0
    print(
        f"Sealed in project {one_line(options.project)}: {one_line(', '.join(sealed) or 'nothing')}"
    )
    if (
        options.source is not None
        and not options.unseal
        and not any(one["source"] == options.source for one in scores)
    ):
        print(f"No scores of {one_line(options.source)} are in project "
              f"{one_line(options.project)} yet; those that come are sealed.")  # fmt: skip
    for one in scores:
        print(f"{one_line(one['run_id'])}: {one['scores']} scores of responses by "
              f"{one_line(one['source'])}, at {one['steps']} steps")  # fmt: skip
    for one in acts:
        who = one_line(one["by"] or one["loop"] or "")
        print(f"{one['at'][:16]} {one['act']} {one_line(one['source'])} {who}")
    return 0


def _export(options: argparse.Namespace) -> int:
    with StoreAccess(begun()) as store:
        if options.break_seal:
            rows = sealing.exported(store, options.run, options.by or "")
        else:
            rows = table_rows(store, options.run, options.table)
    write_rows(rows, options.out, options.format)
    print(
        f"{rows.height} rows of {one_line(options.run)} written to {options.out}", file=sys.stderr
    )
    return 0


def _backup(options: argparse.Namespace) -> int:
    written = back_up(existing(), options.file)
    summary = (
        f"{written['segments']} segments, {written['bytes'] / 1e6:.1f} MB, in {written['file']}"
    )
    print(json.dumps(written, indent=1) if options.json else summary)
    return 0


def _restore(options: argparse.Namespace) -> int:
    restored = restore(a_backup(options.file), home())
    with StoreAccess(home()) as store:
        runs = store.query("runs", project=None, runs=None).height
    summary = f"{runs} runs of {restored['segments']} segments, in {restored['home']}"
    print(json.dumps({**restored, "runs": runs}, indent=1) if options.json else summary)
    return 0


def _serve(options: argparse.Namespace) -> int:
    import uvicorn
    from starlette.applications import Starlette
    from starlette.middleware import Middleware

    from data import api
    from data.incoming import ingest
    from data.serving import ending
    from data.serving.guard import Guard
    from data.serving.half_open import end_half_open

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        ending.end_within_grace()  # now that uvicorn's handlers are in place
        end_half_open()
        yield

    listed()  # an OVEROPT_URL that names no address is told now, not at each request
    owner = Owner(home(), wait=10)
    address = f"http://127.0.0.1:{options.port}"
    owner.serve(address)
    print(f"The store {home()} is served at {address}", flush=True)
    try:
        app = Starlette(
            routes=[*api.routes(lambda: owner), *ingest.routes(lambda: owner)],
            middleware=[Middleware(Guard)],
            lifespan=lifespan,
        )
        uvicorn.run(app, host="127.0.0.1", port=options.port, log_level="warning")
    finally:
        owner.close()
    return 0


@cache
def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m data", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    imports = commands.add_parser("import", help="bring logs into the store")
    imports.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="files or folders")
    imports.add_argument("--project", help="project the runs belong to")
    imports.add_argument("--run", help="name of the run, when PATH holds one")
    add_roles(imports)
    imports.add_argument("--format", choices=FORMATS)
    imports.add_argument("--strict", action="store_true", help="stop at the first bad log")
    imports.set_defaults(do=_import)

    pull_command.add(commands)
    watches = commands.add_parser("watch", help="follow growing logs")
    watches.add_argument("paths", nargs="+", type=Path, metavar="PATH")
    watches.add_argument("--interval", type=float, default=INTERVAL, metavar="SECONDS")
    watches.add_argument("--project", help="project the runs belong to")
    watches.add_argument("--run", help="name of the run, when PATH holds one")
    add_roles(watches)
    watches.set_defaults(do=_watch)

    lists = commands.add_parser("list", help="what is in the store")
    lists.set_defaults(do=_list)

    checks = commands.add_parser("check", help="data quality: origins, gaps, KL, age of gold")
    for command in (lists, checks):
        command.add_argument("--project")
    checks.set_defaults(do=_check)

    roles = commands.add_parser("roles", help="which key is proxy, gold or KL in a project")
    roles.add_argument("--project", default="default", help="(default: default)")
    add_roles(roles)
    roles.add_argument(
        "--mend", action="store_true",
        help="what is said of the KL also overrules what imports stated of it",
    )  # fmt: skip
    roles.add_argument("--reset", action="store_true", help="back to what is recognised")
    roles.set_defaults(do=_roles)

    forgets = commands.add_parser("forget", help="remove runs")
    forgets.add_argument("runs", nargs="+", metavar="RUN")
    forgets.set_defaults(do=_forget)

    exports = commands.add_parser("export", help="write a run's rows of one table to a file")
    exports.add_argument("--run", required=True)
    exports.add_argument("--table", choices=TABLES, default="metrics", help="(default: metrics)")
    exports.add_argument("--format", choices=("csv", "parquet"), default="csv")
    exports.add_argument("--out", required=True, type=Path, metavar="FILE")
    exports.add_argument(
        "--break-seal", action="store_true",
        help="its sealed gold instead; that it was exported is recorded",
    )  # fmt: skip
    exports.add_argument("--by", metavar="NAME", help="who breaks the seal")
    exports.set_defaults(do=_export)

    seals = commands.add_parser("seal", help="gold that the gate alone reads")
    seals.add_argument("source", nargs="?", metavar="SOURCE", help="as logs name it: gold_source")
    seals.add_argument("--project", default="default", help="(default: default)")
    seals.add_argument("--by", metavar="NAME", help="who seals it")
    seals.add_argument("--unseal", action="store_true", help="let everything read it again")
    seals.set_defaults(do=_seal)

    backups = commands.add_parser("backup", help="write the whole store into one new file")
    backups.add_argument("file", type=Path, metavar="FILE")
    backups.set_defaults(do=_backup)

    restores = commands.add_parser("restore", help="bring a backup into an empty OVEROPT_HOME")
    restores.add_argument("file", type=Path, metavar="FILE")
    restores.set_defaults(do=_restore)

    serves = commands.add_parser("serve", help="own the store without pages")
    serves.add_argument("--port", type=int, default=8502)
    serves.set_defaults(do=_serve)

    for command in (imports, lists, checks, roles, forgets, backups, restores, seals):
        command.add_argument("--json", action="store_true", help="one JSON document on stdout")
    return parser


if __name__ == "__main__":
    sys.exit(main())
