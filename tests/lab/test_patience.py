"""Whatever takes long gives a sign of life."""

from __future__ import annotations

import threading

import pytest

from lab.patience import SIGN_SECONDS, announcing
from tests.lab.support import PATIENCE


def test_what_takes_long_is_said_again_with_the_seconds():
    said, again = list[str](), threading.Event()

    def say(words):
        said.append(words)
        if len(said) == 3:
            again.set()

    with announcing("deploying the template", say, every=0.001):
        assert again.wait(PATIENCE)
    assert said[0] == "deploying the template"
    assert said[2].startswith("deploying the template, ")
    assert said[2].endswith(" s")
    assert SIGN_SECONDS <= 10


def test_what_is_quick_is_said_once_and_an_error_goes_through():
    said = list[str]()
    with pytest.raises(OSError, match="x"), announcing("building the layer", said.append):
        raise OSError("x")
    assert said == ["building the layer"]
