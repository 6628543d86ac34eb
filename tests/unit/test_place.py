"""Tests where a function runs, as its own ARN says."""

from __future__ import annotations

import pytest

from tandem.errors import ConfigurationError
from tandem.place import Place


def test_an_arn_says_where_it_is() -> None:
    place = Place.of("arn:aws:lambda:us-east-1:123456789012:function:failover")
    assert place == Place("aws", "us-east-1", "123456789012")


@pytest.mark.parametrize(
    "arn", ["", "arn:aws:lambda", "arn:aws:lambda:us-east-1:123456789012", "a:b:c:d:e:f"]
)
def test_what_is_no_arn_is_a_problem_of_the_configuration(arn: str) -> None:
    with pytest.raises(ConfigurationError, match="no ARN"):
        Place.of(arn)
