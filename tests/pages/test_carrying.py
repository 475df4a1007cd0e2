"""What a reader has chosen stays, though a request still brings the address of before."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

PAGE = """
import streamlit as st
from pages.shared.choices import choose_named
from pages.shared.page_parts.carrying import carry

carry(st.session_state.get("at", "overoptimization"), "run")
st.write(choose_named("Runs", ["a", "b"], "run", "any")[0])
"""


def test_a_request_with_the_address_of_before_brings_no_choice_back() -> None:
    page = AppTest.from_string(PAGE, default_timeout=60)
    page.query_params["run"] = ["a"]
    page.run()
    assert page.multiselect[0].value == ["a"]
    page.multiselect[0].set_value([]).run()
    assert not page.query_params.get("run")
    page.query_params["run"] = ["a"]  # sent before the browser knew
    page.run()
    assert not page.query_params.get("run") and page.multiselect[0].value == []
    assert page.session_state["carried"] == ([], [])
    page.session_state["at"] = "sources"  # another page goes by its own address
    page.query_params["run"] = ["b"]
    page.run()
    assert page.session_state["carried"] == (["b"], [])
