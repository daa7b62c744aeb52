"""The errors of the apiserver, by the status of its answer."""

import pytest

from graphcron.kube.client import Kube
from graphcron.kube.errors import Conflict, KubeError, NotFound, Refused, Unavailable
from tests.support.apiserver_answers import Apiserver

ERRORS = {
    "not found": (404, NotFound),
    "conflict": (409, Conflict),
    "invalid": (422, Refused),
    "forbidden": (403, Refused),
    "an expired token": (401, Unavailable),
    "too many": (429, Unavailable),
    "a failure": (500, Unavailable),
}


@pytest.mark.parametrize(("status", "kind"), ERRORS.values(), ids=ERRORS)
async def test_an_error_says_what_the_apiserver_said(
    kube: Kube, apiserver: Apiserver, status: int, kind: type[KubeError]
) -> None:
    apiserver.answers = [(status, {"kind": "Status", "message": "because"})]
    with pytest.raises(kind) as raised:
        await kube.get_graphcron("team", "a")
    told = "the Kubernetes API does not accept these credentials: because" if status == 401 else "because"
    assert (raised.value.status, raised.value.message) == (status, told)
