"""Settings by the variables of a mapping: what counts as set, and what is said of one that is missing or wrong."""

from typing import ClassVar

import pytest
from pydantic import Field

from graphcron.environ import Flag, InvalidSettings, JsonStrings, Limit, Settings


class Some(Settings):
    MAY_BE_EMPTY: ClassVar[frozenset[str]] = frozenset({"SOME_PREFIX"})

    name: str = Field(validation_alias="SOME_NAME", description="the one that is tested")
    prefix: str = Field("default", validation_alias="SOME_PREFIX")
    limit: Limit = Field(7, validation_alias="SOME_LIMIT")
    flag: Flag = Field(False, validation_alias="SOME_FLAG")
    names: JsonStrings = Field((), validation_alias="SOME_NAMES")


def test_a_variable_that_is_empty_is_not_set_unless_it_may_be() -> None:
    found = Some.read({"SOME_NAME": "x", "SOME_LIMIT": "", "SOME_PREFIX": "", "SOME_NAMES": '["a"]'})
    assert (found.limit, found.prefix, found.names) == (7, "", ("a",))


def test_the_environment_of_the_process_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_NAME", "x")
    with pytest.raises(InvalidSettings):
        Some.read({})


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"SOME_NAME": ""}, "SOME_NAME is not set: it names the one that is tested. The Helm chart sets it."),
        ({"SOME_LIMIT": "-1"}, "SOME_LIMIT is not readable: it must be 0, for no limit, or a larger whole number"),
        ({"SOME_FLAG": "True"}, "SOME_FLAG is not readable: it must be true or false"),
        ({"SOME_NAMES": "{}"}, "SOME_NAMES is not readable: it must be a JSON array"),
        ({"GRAPHCRON_LOG_FORMAT": "xml"}, "GRAPHCRON_LOG_FORMAT is not readable: it must be one of text, json"),
    ],
)
def test_a_variable_that_is_missing_or_wrong_is_named(given: dict[str, str], sentence: str) -> None:
    with pytest.raises(InvalidSettings) as refused:
        Some.read({"SOME_NAME": "x"} | given)
    assert str(refused.value) == sentence
