"""The apiserver's refusals, as they are shown to clients. How its errors are told apart: test_kube_store.py."""

import pytest

from graphcron.facade.store.translated import readable


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (
            'GraphCron.graphcron.dev "x" is invalid: spec.schedule: Invalid value: "banana": Invalid schedule',
            "spec.schedule: Invalid schedule",
        ),
        (
            'GraphCron.graphcron.dev "x" is invalid: spec: Invalid value: "object": input and inputFrom exclude each '
            "other: keep one",
            "spec: input and inputFrom exclude each other: keep one",
        ),
        ('graphcrons.graphcron.dev "x" is forbidden: exceeded quota: crons', "exceeded quota: crons"),
        (
            'GraphCron in version "v1" cannot be handled as a GraphCron: strict decoding error: unknown field "spec.x"',
            'unknown field "spec.x"',
        ),
        (
            'admission webhook "policy.example" denied the request: no',
            'admission webhook "policy.example" denied the request: no',
        ),
    ],
)
def test_refusals_lose_their_frame(said: str, shown: str) -> None:
    assert readable(said) == shown
