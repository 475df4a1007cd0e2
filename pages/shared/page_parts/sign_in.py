"""Who is there, where the server asks for it (Streamlit's OIDC): a button in the menu's foot.

Without [auth] in .streamlit/secrets.toml nothing of it is shown, and nothing asks for a name but
what people write.
"""

from __future__ import annotations

import streamlit as st
from streamlit.errors import StreamlitAPIException

from pages.shared.escaping import called, escaped


def show_sign_in() -> None:
    """Sign in, or who is signed in and a way out; nothing where no provider is configured."""
    user = st.user.to_dict()
    if "is_logged_in" not in user:
        return
    with st.sidebar:
        if user["is_logged_in"]:
            name = str(user.get("name") or user.get("email") or "somebody without a name")
            st.caption(f"Signed in as {called(name)}")
            if st.button("Sign out", icon=":material/logout:", key="sign-out"):
                st.logout()
        elif st.button("Sign in", icon=":material/login:", key="sign-in"):
            try:
                st.login()
            except StreamlitAPIException as error:
                st.error(f"Signing in is not possible: {escaped(error, 200)}")
