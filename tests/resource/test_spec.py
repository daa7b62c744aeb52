"""A spec: what fits together, and what is refused with a sentence."""

from typing import Any

import pytest

from graphcron.resource.fields import InvalidGraphCron
from graphcron.resource.spec import GraphCronSpec
from graphcron.resource.spec_parts import INPUT_FROM_ONE
from graphcron.resource.spec_reader import read_spec
from tests.support.in_pod_specs import UNFIT


@pytest.mark.parametrize(("spec", "sentence"), UNFIT.values(), ids=UNFIT)
def test_what_does_not_fit_the_engine_is_refused_with_a_sentence(spec: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidGraphCron) as refused:
        read_spec({"schedule": "0 * * * *", "assistantId": "agent"} | spec)
    assert sentence in refused.value.message


@pytest.mark.parametrize("names", [(), ("secretKeyRef", "configMapKeyRef")], ids=["neither", "both"])
def test_input_comes_from_one_place(names: tuple[str, ...]) -> None:
    given = {name: {"name": "a", "key": "b"} for name in names}
    with pytest.raises(InvalidGraphCron, match=INPUT_FROM_ONE):
        read_spec({"schedule": "0 * * * *", "assistantId": "agent", "inputFrom": given})


def test_engine_is_the_agent_server_unless_said_otherwise() -> None:
    assert not GraphCronSpec.model_validate({"schedule": "0 * * * *", "assistantId": "agent"}).in_pod
