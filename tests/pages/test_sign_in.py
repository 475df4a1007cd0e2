"""Sign-in is there where a provider is configured, and in nobody's way elsewhere."""

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from pages.shared.asking import note_reads

PAGE = "from pages.shared.page_parts.sign_in import show_sign_in\nshow_sign_in()"


class User:
    """Somebody as Streamlit tells of them; nothing where no provider is configured."""

    def __init__(self, **fields: object) -> None:
        self.fields = fields

    def to_dict(self) -> dict[str, object]:
        return self.fields


def opened() -> AppTest:
    page = AppTest.from_string(PAGE).run()
    assert not page.exception
    return page


def test_without_a_provider_nothing_asks_who_one_is() -> None:
    assert not opened().button and not opened().caption


def test_what_is_missing_for_a_provider_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(st, "user", User(is_logged_in=False))
    page = opened()
    assert [one.label for one in page.button] == ["Sign in"]
    page.button[0].click().run()
    assert not page.exception and "Signing in is not possible" in page.error[0].value


def test_whoever_is_signed_in_is_named_as_text(monkeypatch: pytest.MonkeyPatch) -> None:
    fields = {"is_logged_in": True, "name": "Ada *L* <b>", "email": "a@b.example"}
    monkeypatch.setattr(st, "user", User(**fields))
    page = opened()
    assert [one.label for one in page.button] == ["Sign out"]
    assert "Ada" in page.caption[0].value and "*L*" not in page.caption[0].value
    assert note_reads.signed_in() == "Ada *L* <b>"
