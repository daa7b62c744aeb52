"""Faults that take the cluster's own API to make and to undo: etcd's alarm, and a priority level without seats."""

import ssl
import time
from http.client import HTTPSConnection

from chaos.plan import Strike
from chaos.world import NAMESPACE, Json, NoVictim, World, patiently
from cluster.api import exchange
from cluster.errors import ClusterError

CORRECT_SECONDS = 120.0
"""How long an act tries to undo what only an apiserver or etcd can."""


def request(world: World, method: str, path: str, body: Json) -> None:
    """Raises NoVictim when the apiserver did not do it."""
    try:
        status, answer = world.api.request(method, path, body)
    except OSError as error:
        raise NoVictim(f"the apiserver was away: {error}") from None
    if status >= 300:
        raise NoVictim(f"the apiserver answered {status}: {str(answer)[:200]}")


def fill_etcd(world: World, strike: Strike) -> str:
    """Raise the alarm that etcd raises when its quota is used up: the next writes fail by the same code."""
    member = _etcd(world, "/v3/maintenance/status", {})["header"]["member_id"]
    alarm = {"memberID": member, "alarm": "NOSPACE"}
    try:
        _etcd(world, "/v3/maintenance/alarm", alarm | {"action": "ACTIVATE"})
        time.sleep(strike.seconds)
    finally:
        disarm(world)
    return f"member {member}"


def disarm(world: World) -> None:
    """End all alarms. Waits for an etcd that is down."""

    def done() -> bool:
        for alarm in _etcd(world, "/v3/maintenance/alarm", {"action": "GET"}).get("alarms", []):
            _etcd(world, "/v3/maintenance/alarm", alarm | {"action": "DEACTIVATE"})
        return not _etcd(world, "/v3/maintenance/alarm", {"action": "GET"}).get("alarms")

    patiently("the end of etcd's alarm", done, CORRECT_SECONDS)


def _etcd(world: World, path: str, body: Json) -> Json:
    """What etcd's HTTP gateway answers; ConnectionError when that is no object, or no 200."""
    context = ssl.create_default_context(cafile=world.place.pki / "ca.crt")
    context.load_cert_chain(world.place.pki / "etcd.crt", world.place.pki / "etcd.key")
    connection = HTTPSConnection("127.0.0.1", world.plan.ports["etcd"], context=context, timeout=5)
    status, answer = exchange(connection, "POST", path, body)
    if status != 200 or not isinstance(answer, dict):
        raise ConnectionError(f"etcd answered {status}: {answer}")
    return answer


LEVELS = "/apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations"
SCHEMAS = "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas"
FLOW = "graphcron-chaos"


def refuse_requests(world: World, strike: Strike) -> str:
    """A priority level with one seat for all service accounts of the release's namespace, and somebody who sits there
    with a request that is never sent to its end."""
    api = {"apiVersion": "flowcontrol.apiserver.k8s.io/v1", "metadata": {"name": FLOW}}
    limited: Json = {"nominalConcurrencyShares": 0, "lendablePercent": 0, "borrowingLimitPercent": 0}
    limited["limitResponse"] = {"type": "Reject"}
    level = api | {"kind": "PriorityLevelConfiguration", "spec": {"type": "Limited", "limited": limited}}
    subjects = [{"kind": "ServiceAccount", "serviceAccount": {"namespace": NAMESPACE, "name": "*"}}]
    resource = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "namespaces": ["*"], "clusterScope": True}
    rules = [{"subjects": subjects, "resourceRules": [resource]}]
    spec = {"priorityLevelConfiguration": {"name": FLOW}, "matchingPrecedence": 2, "rules": rules}
    try:
        request(world, "POST", LEVELS, level)
        request(world, "POST", SCHEMAS, api | {"kind": "FlowSchema", "spec": spec})
        deadline = time.monotonic() + strike.seconds
        while time.monotonic() < deadline:
            _sit(world, min(1.0, deadline - time.monotonic()))  # briefly, since the level takes effect after a moment
    finally:
        accept_requests(world)
    return f"service accounts of {NAMESPACE}"


def _sit(world: World, seconds: float) -> None:
    connection = HTTPSConnection(*world.api.address, context=world.api.context, timeout=5)
    try:
        connection.putrequest("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews")  # everybody may
        connection.putheader("Impersonate-User", f"system:serviceaccount:{NAMESPACE}:default")
        connection.putheader("Impersonate-Group", "system:authenticated")
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", "1000")
        connection.endheaders()
        time.sleep(seconds)
    except OSError:
        time.sleep(seconds)
    finally:
        connection.close()


def accept_requests(world: World) -> None:
    """Delete the priority level. Waits for an apiserver that is down."""

    def done() -> bool:
        for path in (SCHEMAS, LEVELS):
            status, answer = world.api.request("DELETE", f"{path}/{FLOW}")
            if status not in (200, 404):
                raise ClusterError(f"DELETE {path}: {status} {answer}")
        return True

    patiently("the end of the priority level", done, CORRECT_SECONDS)
