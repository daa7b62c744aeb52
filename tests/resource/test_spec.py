"""A spec: what fits together, and what is refused with a sentence."""

from typing import Any

import pytest

from graphcron.resource.fields import InvalidGraphCron
from graphcron.resource.spec import GraphCronSpec, read_spec
from tests.support.in_pod_specs import UNFIT


@pytest.mark.parametrize(("spec", "sentence"), UNFIT.values(), ids=UNFIT)
def test_what_does_not_fit_the_engine_is_refused_with_a_sentence(spec: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidGraphCron) as refused:
        read_spec({"schedule": "0 * * * *", "assistantId": "agent"} | spec)
    assert sentence in refused.value.message


def test_engine_is_the_agent_server_unless_said_otherwise() -> None:
    assert not GraphCronSpec.model_validate({"schedule": "0 * * * *", "assistantId": "agent"}).in_pod
