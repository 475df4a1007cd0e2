"""The menu: one line a page. Page paths are relative to this file; url_path is the permalink."""

import streamlit as st

st.set_page_config(page_title="Reward overoptimization", page_icon=":material/monitoring:", layout="wide")

page = st.navigation(
    {
        "Runs": [
            st.Page("../runs/overview.py", title="Overview", default=True, icon=":material/list:"),
            st.Page("../runs/overoptimization.py", title="Overoptimization",
                    url_path="overoptimization", icon=":material/show_chart:"),
        ],
    }
)  # fmt: skip
page.run()
