"""Values for properties of several topics."""

from __future__ import annotations

from hypothesis import strategies as st

hexadecimal = st.text("0123456789abcdef", min_size=17, max_size=17)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
