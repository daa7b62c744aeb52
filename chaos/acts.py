"""What each fault does to the cluster. Each act ends with the fault over, whatever happens, and says whom it struck."""

import signal
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from chaos.api_acts import fill_etcd, refuse_requests, request
from chaos.plan import Strike
from chaos.world import NAMESPACE, RUN_PODS, Json, NoVictim, World
from cluster import deploy, host_network
from cluster.errors import ClusterError
from examples.demo.session import wait_for
from graphcron.operator.pod_status import job_of

FIND_SECONDS = 20.0
"""How long an act looks for its victim, by an apiserver that may be away. Then there is no such strike."""

Act = Callable[[World, Strike], str]


def act(world: World, strike: Strike) -> str:
    """Carry out one strike; whom it struck. Raises NoVictim."""
    return _ACTS[strike.fault.name](world, strike)


def kill(name: str) -> Act:
    """SIGKILL of a component; it is started again after the strike's seconds."""

    def kill_it(world: World, strike: Strike) -> str:
        with world.holding(name):
            whom = world.signal_component(name, signal.SIGKILL)
            time.sleep(strike.seconds)
        return whom

    return kill_it


def freeze(name: str) -> Act:
    """SIGSTOP of a component, and SIGCONT after the strike's seconds."""

    def freeze_it(world: World, strike: Strike) -> str:
        return _frozen(lambda number: world.signal_component(name, number), strike.seconds)

    return freeze_it


def _frozen(send: Callable[[signal.Signals], str], seconds: float) -> str:
    """Whom `send` stops for that long."""
    whom = send(signal.SIGSTOP)
    try:
        time.sleep(seconds)
    finally:
        with suppress(NoVictim):  # it is gone: a liveness probe had it replaced
            send(signal.SIGCONT)
    return whom


def _one(what: str, strike: Strike, candidates: Callable[[], list[Json]]) -> Json:
    """The candidate of the strike's pick; of the first that there are when there is none yet."""

    def found() -> list[Json]:
        with suppress(OSError, ClusterError):
            return sorted(candidates(), key=_name)
        return []

    pods = wait_for(what, found, FIND_SECONDS)
    return pods[int(strike.pick * len(pods))]


def _pod(world: World, strike: Strike, selector: str) -> Json:
    """One that runs."""
    return _one(f"a pod of {selector}", strike, lambda: world.pods(selector))


def _counted_pod(world: World, strike: Strike) -> Json:
    """A run pod that its Job counts as ready, so that the Job controller has seen it.

    A pod that is on its way out when the controller first sees it (its watch was down while the pod came) leaves the
    controller waiting for that pod, for five minutes and until something else happens to the Job:
    `addPod` and `ExpectationsTimeout` of Kubernetes' Job controller. GraphCron reports it as NoPod, and touches the Job
    after those five minutes, which is longer than a run of this waits.
    """

    def counted() -> list[Json]:
        jobs = world.objects("apis/batch/v1/jobs", RUN_PODS)
        ready = {_name(job) for job in jobs if job.get("status", {}).get("ready")}
        return [pod for pod in world.pods(RUN_PODS) if job_of(pod) in ready]

    return _one("a run pod that its Job counts as ready", strike, counted)


def _name(pod: Json) -> str:
    return str(pod["metadata"]["name"])


def kill_run_pod(world: World, strike: Strike) -> str:
    return world.signal_pod(_pod(world, strike, RUN_PODS), signal.SIGKILL)


def delete_run_pod(world: World, strike: Strike) -> str:
    name = _name(_counted_pod(world, strike))
    request(world, "DELETE", f"/api/v1/namespaces/{NAMESPACE}/pods/{name}", {"gracePeriodSeconds": 0})
    return name


def evict_run_pod(world: World, strike: Strike) -> str:
    name = _name(_counted_pod(world, strike))
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}}
    request(world, "POST", f"/api/v1/namespaces/{NAMESPACE}/pods/{name}/eviction", body)
    return name


def _operator(world: World, strike: Strike) -> Json:
    """Mostly the leader."""
    selector = "app.kubernetes.io/component=operator"
    if strike.pick < 0.75:
        with suppress(OSError, ClusterError):
            leader = world.leader()
            for pod in world.pods(selector):
                if leader.startswith(_name(pod)):
                    return pod
    return _pod(world, strike, selector)


def kill_operator(world: World, strike: Strike) -> str:
    return world.signal_pod(_operator(world, strike), signal.SIGKILL)


def freeze_operator(world: World, strike: Strike) -> str:
    pod = _operator(world, strike)
    return _frozen(lambda number: world.signal_pod(pod, number), strike.seconds)


def cut_off_operator(world: World, strike: Strike) -> str:
    pod = _operator(world, strike)
    with host_network.cut_off(world.place, world.plan, pod["status"]["podIP"]):
        time.sleep(strike.seconds)
    return _name(pod)


def kill_facade(world: World, strike: Strike) -> str:
    return world.signal_pod(_pod(world, strike, "app.kubernetes.io/component=facade"), signal.SIGKILL)


def weather(**of: Any) -> Act:
    """The Agent Server's weather; a callable value is made from the strike."""

    def change(world: World, strike: Strike) -> str:
        values = {name: value(strike) if callable(value) else value for name, value in of.items()}
        try:
            world.agent("POST", "/chaos/weather", values | {"seconds": strike.seconds})
        except OSError as error:
            raise NoVictim(f"the Agent Server is away: {error}") from None
        time.sleep(strike.seconds)
        return ", ".join(f"{name} {value}" for name, value in values.items())

    return change


def upgrade(world: World, strike: Strike) -> str:
    world.revision += 1
    return _helm(world, "upgrade", *world.chart())


def rollback(world: World, strike: Strike) -> str:
    if world.revision == 1:  # nothing to go back to yet
        upgrade(world, strike)
    return _helm(world, "rollback", deploy.RELEASE)


def _helm(world: World, *words: str) -> str:
    try:
        world.helm(*words)
    except ClusterError as error:
        return f"failed, as a helm does whose apiserver is away: {str(error)[-200:]}"
    return f"revision {world.revision}"


_ACTS: dict[str, Act] = {
    "run-pod-kill": kill_run_pod,
    "run-pod-delete": delete_run_pod,
    "run-pod-evict": evict_run_pod,
    "operator-kill": kill_operator,
    "operator-freeze": freeze_operator,
    "operator-watch-loss": cut_off_operator,
    "facade-kill": kill_facade,
    "kubelet-kill": kill("kubelet"),
    "containerd-kill": kill("containerd"),
    "scheduler-kill": kill("kube-scheduler"),
    "controllers-kill": kill("kube-controller-manager"),
    "controllers-freeze": freeze("kube-controller-manager"),
    "controllers-outage": kill("kube-controller-manager"),
    "apiserver-kill": kill("kube-apiserver"),
    "apiserver-freeze": freeze("kube-apiserver"),
    "apiserver-429": refuse_requests,
    "etcd-kill": kill("etcd"),
    "etcd-freeze": freeze("etcd"),
    "etcd-full": fill_etcd,
    "dns-kill": kill("coredns"),
    "agent-lost-answers": weather(lost=0.5),
    "agent-429": weather(refused=0.9, statuses=[429]),
    "agent-409": weather(busy=0.9),
    "agent-500": weather(refused=0.7, statuses=[500, 503], despite=0.5),
    "agent-slow": weather(slow=10.0),
    "agent-skew": weather(skew=lambda strike: round(1080 * (strike.pick - 0.5))),
    "upgrade": upgrade,
    "rollback": rollback,
}
NAMES = tuple(_ACTS)
