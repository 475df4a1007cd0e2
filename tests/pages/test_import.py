"""Import in the browser, without a browser: preview, mapping, store, refusals, what is kept."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from data.columns import ReadOptions
from data.incoming.importing import import_whole
from data.people import kept_roles
from pages.shared.importing import import_view
from pages.shared.keeping import ownership

ROOT = Path(__file__).resolve().parents[2]
R6 = ROOT / "data" / "examples" / "r6_grpo_resume"
HEADS = ("Opt. Schritt #", "Drift (KL!) $x$", "RM | avg.", "<b>Jury</b> [*]", "Länge")


@pytest.fixture
def page(open_script, monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    monkeypatch.setattr(import_view, "reachable", lambda: False)
    return lambda *files: open_script("review/sources.py", *files)


def table(rows: int = 40) -> bytes:
    """Awkward headings; 0.01 nats a token over 100 tokens a row; gold peaks and falls."""
    lines = [";".join(HEADS)]
    lines += [f"{5 * i};{i / 100};{i / 8};{i * (20 - i) / 100};100" for i in range(rows)]
    return "\n".join(lines).encode()


def sent(test: AppTest, name: str, content: bytes) -> AppTest:
    return test.file_uploader[0].upload(name, content, "text/csv").run()


def chosen(test: AppTest, **choices: str) -> AppTest:
    labels = {
        "step": "Step", "proxy": "Proxy reward", "gold": "Gold reward", "length":
        "Response length, tokens", "kl": "KL from the initial policy", "unit": "Unit of that KL",
    }  # fmt: skip
    for name, value in choices.items():
        next(box for box in test.selectbox if box.label == labels[name]).set_value(value)
    return test.run()


def mapped(test: AppTest) -> AppTest:
    step, kl, proxy, gold, length = HEADS
    return chosen(test, step=step, proxy=proxy, gold=gold, kl=kl, length=length)


def text_of(test: AppTest) -> str:
    places = (*test.markdown, *test.error, *test.warning, *test.success)
    return " ".join(element.value for element in places).replace("\\", "")


def shown(test: AppTest) -> dict[str, tuple[str, str, str]]:
    """The preview's first run: what, and first, last, column."""
    frame = next(d.value for d in test.dataframe if "read from" in d.value.columns)
    return {row["what"]: (row["first"], row["last"], row["read from"])
            for row in frame.to_dict("records")}  # fmt: skip


def stored() -> dict[str, dict[str, object]]:
    frame = ownership.owner().store.query("runs", project=None, runs=None)
    return {row["run_id"]: row for row in frame.iter_rows(named=True)}


def press(test: AppTest, label: str) -> AppTest:
    return next(b for b in test.button if b.label.startswith(label)).click().run()


def left_behind(home: Path) -> list[Path]:
    return list((home / "tmp").glob("upload-*"))


def test_an_unknown_table_is_mapped_previewed_and_stored(page, home: Path) -> None:
    test = sent(page(), "Lauf <i>7<i> *x*.csv", table())
    assert not test.exception and "Nothing could be read" in text_of(test)
    assert "“Proxy reward”" in text_of(test) and "--proxy" not in text_of(test)
    assert not any(button.label.startswith("Import ") for button in test.button)
    test = mapped(test)
    assert not test.exception
    assert shown(test)["step"][:2] == ("0", "195")
    assert shown(test)["KL, unit unknown"][:2] == ("0", "0.39")
    assert "So the numbers suggest" in text_of(test) or "cannot tell" in text_of(test)
    test = chosen(test, unit="nats/token")
    assert shown(test)["KL, nats per response"] == ("0", "39", f"{HEADS[1]} (nats/token)")
    assert shown(test)["gold reward"] == ("0", "−7.41", HEADS[3])
    assert not stored() and not left_behind(home)  # a preview stores nothing, and leaves nothing
    test = press(test, "Import 1 run")
    assert not test.exception and "Imported: 1 run" in text_of(test)
    (run,) = stored().values()
    assert run["run_id"] == "Lauf <i>7<i> *x*"
    assert (run["points"], run["kl_end"], run["step_end"]) == (40, pytest.approx(39), 195)
    assert str(run["path"]).startswith("uploaded-") and str(home) not in str(run["facts"])
    assert "/overoptimization?run=" in test.get("html")[0].proto.body
    assert not left_behind(home)


def test_the_mapping_is_kept_for_the_project(page, home: Path) -> None:
    test = chosen(mapped(sent(page(), "first.csv", table())), unit="nats/token")
    test = press(test, "Import 1 run")
    kept = kept_roles.read(home)["default"]
    assert kept == {"step": HEADS[0], "kl": HEADS[1], "proxy": HEADS[2], "gold": HEADS[3],
                    "length": HEADS[4], "kl_unit": "nats/token"}  # fmt: skip
    test = sent(test, "second.csv", table(30))
    assert not test.exception
    assert shown(test)["KL, nats per response"][:2] == ("0", "29")
    press(test, "Import 1 run")
    assert {name: row["points"] for name, row in stored().items()} == {"first": 40, "second": 30}


def test_the_same_upload_again_changes_nothing(page) -> None:
    content = b"run_id,step,kl,proxy_reward,gold_reward\n" + b"".join(
        f"a,{i},{i},{i},{i}\n".encode() for i in range(5)
    )
    test = press(sent(page(), "a.csv", content), "Import 1 run")
    generation = stored()["a"]["generation"]
    press(sent(test, "a.csv", content), "Import 1 run")
    assert stored()["a"]["generation"] == generation and stored()["a"]["points"] == 5


def answered(*verdicts: str) -> bytes:
    """Graded answers under awkward headings."""
    lines = ["Frage?;Jury says;sure (%)"]
    lines += [f"who is {i}?;{word};{50 + i}" for i, word in enumerate(verdicts)]
    return "\n".join(lines).encode()


def test_graded_answers_are_mapped_in_place_and_kept(page, home: Path) -> None:
    test = sent(page(), "judged.csv", answered("entailment", "neutral", "contradiction", "odd"))
    assert not test.exception and "Nothing could be read" in text_of(test)
    for label, key in (("Question", "Frage?"), ("Grade", "Jury says"), ("Confidence", "sure (%)")):
        next(box for box in test.selectbox if box.label == label).set_value(key)
    test = test.run()
    assert not test.exception
    assert "4 answers (" in text_of(test) and "1 not attempted" in text_of(test)
    assert "'odd' (1)" in text_of(test) and "“What the grades mean”" in text_of(test)
    meant = next(box for box in test.text_input if box.label == "What the grades mean")
    test = meant.set_value("neutral=incorrect, odd=none").run()
    assert not test.exception and "2 incorrect" in text_of(test)
    test = press(test, "Import 1 run")
    assert not test.exception and "3 answers" in text_of(test)
    assert kept_roles.read(home)["default"] == {
        "question": "Frage?", "grade": "Jury says", "confidence": "sure (%)",
        "grade_map": "neutral=incorrect, odd=none",
    }  # fmt: skip
    test = sent(test, "again.csv", answered("neutral", "entailment"))
    assert "1 correct, 1 incorrect" in text_of(test) or "1 incorrect, 1 correct" in text_of(test)
    press(test, "Import 1 run")
    assert {name: row["answers"] for name, row in stored().items()} == {"judged": 3, "again": 2}


def packed(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


DAMAGED = {
    "empty.csv": b"",
    "cut.zip": packed("a.csv", table())[:120],
    "cut.csv.gz": gzip.compress(table())[:60],
    "way-out.zip": packed("../../outside.csv", table()),
    "bomb.zip": packed("a.csv", b"0" * (90 << 20)),
    "no.parquet": b"PAR1 and no more",
    "events.out.tfevents.1": b"\x00\x01\x02",
    "picture.png": b"\x89PNG\r\n",
    "broken.jsonl": b'{"step": 1, "kl": ',
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_upload_gets_a_sentence_and_stores_nothing(page, home: Path, name: str) -> None:
    test = sent(page(), name, DAMAGED[name])
    assert not test.exception
    assert "Nothing could be read" in text_of(test)
    assert not stored() and not left_behind(home)
    assert not any(button.label.startswith("Import ") for button in test.button)
    assert str(home) not in text_of(test) and "uploaded-" not in text_of(test)
    assert name in text_of(test)


def test_no_value_of_the_preview_is_cut(page) -> None:
    """A column is as wide as its longest text: the column that KL is read from, here."""
    name = "a_very_long_name_of_a_column_as_loggers_of_many_parts_write_them/kl_per_response"
    rows = b"".join(f"{i},{i},{i},{i}\n".encode() for i in range(5))
    head = f"step,{name},proxy_reward,gold_reward\n".encode()
    test = sent(page(), "a.csv", head + rows)
    test = chosen(test, kl=name)
    assert shown(test)["KL, nats per response"][2].startswith(name)
    frame = next(d for d in test.dataframe if "read from" in d.value.columns)
    width = json.loads(frame.proto.columns)["read from"]["width"]
    assert width > 7 * len(name)


def test_a_penalty_is_divided_by_the_coefficient_that_is_said(page, home: Path) -> None:
    rows = "".join(f"{5 * i},{0.05 * i},{i / 8},{i * (20 - i) / 100}\n" for i in range(40))
    content = f"step,kl_penalty,proxy_reward,gold_reward\n{rows}".encode()
    test = chosen(sent(page(), "a.csv", content), kl="kl_penalty", unit="nats")
    assert "“Coefficient, where minus it × KL is logged”" in text_of(test)
    field = next(t for t in test.text_input if t.label.startswith("Coefficient"))
    test = field.set_value("0.05").run()
    assert not test.exception
    assert shown(test)["KL, nats per response"][:2] == ("0", "39")
    press(test, "Import 1 run")
    assert stored()["a"]["kl_end"] == pytest.approx(39)
    assert kept_roles.read(home)["default"]["kl_coefficient"] == "0.05"


def test_an_archive_is_read_as_what_it_holds(page) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for file in sorted((R6 / "tb").iterdir()):
            archive.write(file, f"my_run/tb/{file.name}")
    test = sent(page(), "logs.zip", content.getvalue())
    assert not test.exception and "TRL GRPO" in text_of(test)
    press(test, "Import 1 run")
    assert stored()["my_run"]["points"]


def test_columns_inside_an_archive_can_be_chosen(page) -> None:
    test = chosen(
        mapped(sent(page(), "a.zip", packed("deep/below/b.csv", table()))), unit="nats/token"
    )
    assert shown(test)["KL, nats per response"][1] == "39"


def test_too_much_is_refused(page, monkeypatch: pytest.MonkeyPatch) -> None:
    option = import_view.st.get_option
    most = {"server.maxUploadSize": 0}
    monkeypatch.setattr(import_view.st, "get_option", lambda name: most.get(name, option(name)))
    test = sent(page(), "a.csv", table())
    assert "at most 0 MB are taken" in text_of(test) and not stored()


def test_a_path_on_the_server(page, tmp_path: Path) -> None:
    (tmp_path / "ours.csv").write_text("step,kl,proxy_reward,gold_reward\n0,0,1,1\n5,2,2,1\n")
    test = page()
    test.segmented_control[0].set_value(import_view.PATH).run()
    field = next(t for t in test.text_input if t.label == "Path of a file or folder")
    field.set_value(str(tmp_path / "none")).run()
    assert "is not there" in text_of(test)
    field = next(t for t in test.text_input if t.label == "Path of a file or folder")
    field.set_value(str(tmp_path / "ours.csv")).run()
    assert shown(test)["KL, nats per response"] == ("0", "2", "kl (nats/sequence)")
    press(test, "Import 1 run")
    assert stored()["ours"]["path"] == str((tmp_path / "ours.csv").resolve())


def test_no_path_is_offered_to_other_machines(page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_view, "reachable", lambda: True)
    assert import_view.PATH not in page().segmented_control[0].options
    monkeypatch.setenv("OVEROPT_IMPORT_PATHS", "/data/runs")
    assert import_view.PATH in page().segmented_control[0].options


def test_other_machines_are_told_from_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    address = "127.0.0.1"
    monkeypatch.setattr(import_view.st, "get_option", lambda _: address)
    monkeypatch.delenv("OVEROPT_URL", raising=False)
    assert not import_view.reachable()
    monkeypatch.setenv("OVEROPT_URL", "https://monitor.example")  # a proxy lets others in
    assert import_view.reachable()
    monkeypatch.delenv("OVEROPT_URL")
    address = "0.0.0.0"
    assert import_view.reachable()


def test_the_empty_store_offers_the_import(open_script) -> None:
    test = open_script("runs/overview.py")
    assert (
        not test.exception and test.file_uploader and "python -m data import" in test.code[0].value
    )


def test_nothing_is_written_before_all_is_read(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader that dies in the middle leaves no half of an import behind."""
    from data import readers
    from data.incoming import importing

    (tmp_path / "a.csv").write_text("step,kl,proxy_reward\n0,0,1\n")

    whole = list(readers.read([tmp_path / "a.csv"], ReadOptions()))

    def dies(*_: object):
        yield from whole
        raise OSError("the disk is gone")

    monkeypatch.setattr(importing.readers, "read", dies)
    store = ownership.owner().store
    with pytest.raises(OSError, match="disk"):
        import_whole(store, [tmp_path], ReadOptions(), str)
    assert not list((home / "inbox").glob("*")) and not stored()
    ownership.release()


def test_what_a_log_says_of_its_kl_is_not_overruled_by_the_project(page) -> None:
    """The unit of one table with headings of its own is none of a table in our words."""
    press(chosen(mapped(sent(page(), "odd.csv", table())), unit="nats/token"), "Import 1 run")
    ours = b"step,kl,proxy_reward,gold_reward,response_length\n" + b"".join(
        f"{i},{i},{i},{i},100\n".encode() for i in range(5)
    )
    test = sent(page(), "ours.csv", ours)
    assert shown(test)["KL, nats per response"] == ("0", "4", "kl (nats/sequence)")
    press(test, "Import 1 run")
    assert {name: row["kl_end"] for name, row in stored().items()} == {
        "odd": pytest.approx(39), "ours": 4.0
    }  # fmt: skip


def test_a_mapping_can_be_changed_afterwards(page) -> None:
    test = press(chosen(mapped(sent(page(), "a.csv", table())), unit="nats"), "Import 1 run")
    assert stored()["a"]["kl_end"] == pytest.approx(0.39)
    boxes = {box.label: box for box in test.selectbox}
    boxes["Gold reward"].set_value(HEADS[2])
    boxes["Proxy reward"].set_value(HEADS[3])
    boxes["Unit of that KL"].set_value("nats/token")
    test = press(test, "Keep for this project")
    assert json.loads(str(stored()["a"]["facts"]))["gold_key"] == HEADS[2]
    assert "tick" in text_of(test)  # of the unit that the import stated
    boxes = {box.label: box for box in test.selectbox}
    boxes["Gold reward"].set_value(HEADS[3])
    boxes["Proxy reward"].set_value(HEADS[2])
    test.checkbox[0].check()
    press(test, "Keep for this project")
    assert stored()["a"]["kl_end"] == pytest.approx(39)


def test_taking_a_choice_back_in_the_preview_is_kept_too(page, home: Path) -> None:
    press(chosen(mapped(sent(page(), "a.csv", table())), unit="nats/token"), "Import 1 run")
    ours = b"step,kl,proxy_reward,gold_reward,<b>Jury</b> [*]\n0,0,1,1,9\n1,1,2,2,9\n2,1,3,2,9\n"
    test = sent(page(), "b.csv", ours)
    assert shown(test)["gold reward"][2] == HEADS[3]  # as the project says
    gold = next(box for box in test.selectbox if box.label == "Gold reward")
    test = gold.select_index(0).run()
    assert shown(test)["gold reward"][2] == "gold_reward"
    press(test, "Import 1 run")
    assert "gold" not in kept_roles.read(home)["default"]
    assert '"gold_key": "gold_reward"' in str(stored()["b"]["facts"])


def curve(scale: int) -> bytes:
    rows = [f"{i},{scale * i},{i},{i}\n" for i in range(6)]
    return ("step,kl,proxy_reward,gold_reward\n" + "".join(rows)).encode()


def test_two_uploads_of_one_name_are_two_runs_and_stay_so(page) -> None:
    """Other people name their files alike; the same content again is known each time."""
    test = page()
    for scale in (1, 2, 3, 2, 3, 1):
        test = press(sent(test, "metrics.csv", curve(scale)), "Import 1 run")
        assert not test.exception
    ends = sorted(float(str(row["kl_end"])) for row in stored().values())
    assert ends == [5.0, 10.0, 15.0], stored().keys()


def test_a_grown_log_is_the_same_run(page) -> None:
    test = press(sent(page(), "log.csv", curve(1)), "Import 1 run")
    press(sent(test, "log.csv", curve(1) + b"6,6,6,6\n"), "Import 1 run")
    assert {name: row["points"] for name, row in stored().items()} == {"log": 7}


def test_a_run_without_a_name_asks_for_one(page) -> None:
    test = sent(page(), "metrics.csv", curve(1))
    assert shown(test)["step"][:2] == ("0", "5")
    assert ("no name for their run" in text_of(test)) == ("**upload**" in text_of(test))
    name = next(t for t in test.text_input if t.label == "Name of the run")
    test = press(name.set_value("mine").run(), "Import 1 run")
    assert list(stored()) == ["mine"]


def test_a_loop_is_uploaded_into_an_empty_store(page, home: Path) -> None:
    """loop.toml with its tables, as somebody zips a folder; then one further table by itself."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for file in sorted((ROOT / "tests" / "data" / "logs" / "loop").iterdir()):
            archive.write(file, f"my loop/{file.name}")
    test = sent(page(), "my loop.zip", packed.getvalue())
    assert not test.exception and "8 rows of reviews" in text_of(test)
    assert "3 rows of iterations" in text_of(test) and "Not read" not in text_of(test)
    test = press(test, "Import 2 runs")  # a loop is one, in however many tables
    assert not test.exception and "8 rows of reviews, 6 rows of outcomes" in text_of(test)
    assert "/iterations?loop=replies" in test.get("html")[0].proto.body
    assert ownership.owner().store.query("loops")["loop"].to_list() == ["replies"]
    outcomes = b"Iteration,KPI,N,Rate,Higher is better\n3,resolution,400,70 %,yes\n"
    test = sent(test, "canary.csv", outcomes)
    assert not test.exception and "read as outcomes: 1 row of outcomes" in text_of(test)
    assert "canary.csv has no column loop" in text_of(test) and "“Name of the run”" in text_of(test)
    test = test.text_input(key="import_run").set_value("replies").run()
    assert "has no column loop" not in text_of(test)
    press(test, "Import 1 run")
    found = ownership.owner().store.query("outcomes", loops=["replies"], until=None)
    assert found.filter(iteration=3)["value"].to_list() == [pytest.approx(0.7)]
