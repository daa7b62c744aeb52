"""What a run of the suite does: its GraphCrons and its strikes, all drawn from one seed. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import product
from random import Random


@dataclass(frozen=True)
class Fault:
    """One kind of fault. No two strikes on the same target overlap, and `rest` seconds lie between them."""

    name: str
    what: str
    target: str
    seconds: tuple[float, float] = (0, 0)
    """How long it lasts, at least and at most."""
    rest: float = 15
    weight: int = 2
    """How often it comes, against the others."""
    node: bool = False
    """Whether it needs a node, or a release by Helm, and so a local cluster."""


FAULTS = (
    Fault("run-pod-kill", "SIGKILL of a run pod's process", "run-pod", rest=0, weight=6),
    Fault("run-pod-delete", "kubectl delete --force of a run pod", "run-pod", rest=0, weight=4),
    Fault("run-pod-evict", "eviction of a run pod, as kubectl drain does", "run-pod", rest=0, weight=4, node=True),
    Fault("operator-kill", "SIGKILL of an operator replica, mostly of the leader", "operator", rest=30),
    Fault("operator-freeze", "SIGSTOP of the leader, then SIGCONT", "operator", (5, 40), rest=30),
    Fault("operator-watch-loss", "the leader's packets to the apiserver lost", "operator", (10, 45), 30, node=True),
    Fault("facade-kill", "SIGKILL of a facade replica", "facade"),
    Fault("kubelet-kill", "SIGKILL of the kubelet, started again", "kubelet", (0, 15), node=True),
    Fault("containerd-kill", "SIGKILL of containerd, started again", "containerd", (0, 10), node=True),
    Fault("scheduler-kill", "SIGKILL of the scheduler, started again", "scheduler", (0, 10), node=True),
    Fault("controllers-kill", "SIGKILL of the controller manager, started again", "controllers", (0, 15)),
    Fault("controllers-freeze", "SIGSTOP of the controller manager, then SIGCONT", "controllers", (5, 20)),
    Fault("controllers-outage", "the controller manager is away for over a minute", "controllers", (65, 90), weight=1),
    Fault("apiserver-kill", "SIGKILL of the apiserver, started again", "apiserver", (0, 10)),
    Fault("apiserver-freeze", "SIGSTOP of the apiserver, then SIGCONT", "apiserver", (2, 15)),
    Fault("apiserver-429", "429 to operator and facade (API Priority and Fairness)", "quota", (5, 20), node=True),
    Fault("etcd-kill", "SIGKILL of etcd, started again", "etcd", (0, 8)),
    Fault("etcd-freeze", "SIGSTOP of etcd, then SIGCONT", "etcd", (2, 10)),
    Fault("etcd-full", "etcd's alarm NOSPACE: all writes fail, reads go on", "etcd", (5, 25)),
    Fault("dns-kill", "SIGKILL of the cluster's DNS, started again", "dns", (0, 10), weight=1, node=True),
    Fault("agent-lost-answers", "half of the answers of the Agent Server are lost, after it acted", "agent", (5, 20)),
    Fault("agent-429", "the Agent Server answers 429 with Retry-After", "agent", (5, 20)),
    Fault("agent-409", "the Agent Server answers 409 to stateless firings: the thread is busy", "agent", (5, 20)),
    Fault("agent-500", "the Agent Server answers 500 or 503, half of them to what it did", "agent", (5, 20)),
    Fault("agent-slow", "the Agent Server answers up to 10 s late", "agent", (5, 20)),
    Fault("agent-skew", "the Agent Server's clock is up to 9 minutes slow or fast", "agent", (20, 50)),
    Fault("upgrade", "helm upgrade with other values: new pods, all CronJobs rewritten", "release", rest=25, node=True),
    Fault("rollback", "helm rollback", "release", rest=25, node=True),
)  # fmt: skip

STRIKE_EVERY = 6.0
"""Seconds, on average. More often when the time is short, so that each fault comes."""

OVERTIME = 15.0
"""Seconds that a strike may last beyond the time of the strikes."""


@dataclass(frozen=True)
class Strike:
    """One fault at one moment, in seconds after the first scheduled minute. `pick`, from 0 to 1, chooses the victim."""

    at: float
    fault: Fault
    seconds: float
    pick: float


def chosen(names: Sequence[str], *, has_node: bool = True) -> tuple[Fault, ...]:
    """The faults of these names or targets, all when there is none. Raises ValueError for one that does not exist."""
    faults = [fault for fault in FAULTS if has_node or not fault.node]
    known = {fault.name for fault in faults} | {fault.target for fault in faults}
    if wrong := [name for name in names if name not in known]:
        raise ValueError(f"There is no fault {', '.join(wrong)}: there are {', '.join(sorted(known))}.")
    return tuple(fault for fault in faults if not names or fault.name in names or fault.target in names)


def strikes(faults: Sequence[Fault], seed: int, seconds: float) -> list[Strike]:
    """Each fault once, as far as the time allows, and from then on by weight."""
    chance = Random(f"strikes {seed}")
    every = min(STRIKE_EVERY, seconds / (len(faults) * 1.3))
    waiting = chance.sample(list(faults), len(faults))
    free: dict[str, float] = {}
    found = []
    for tick in range(int(seconds / every)):
        at = (tick + chance.random()) * every
        left = seconds + OVERTIME - at
        ready = [fault for fault in faults if free.get(fault.target, 0) <= at and fault.seconds[0] <= left]
        first = [fault for fault in waiting if fault in ready]
        if not ready:
            continue
        fault = first[0] if first else chance.choices(ready, [fault.weight for fault in ready])[0]
        if first:
            waiting.remove(fault)
        lasts = min(left, chance.uniform(*fault.seconds))
        strike = Strike(round(at, 1), fault, round(lasts, 1), chance.random())
        free[fault.target] = at + strike.seconds + fault.rest
        found.append(strike)
    return found


DOORS = ("REST", "kubectl")
POLICIES = ("Allow", "Forbid", "Replace")
KINDS = ("delete", "keep", "thread")
_COMBINATIONS = [
    (door, policy, kind)
    for door, policy, kind in product(DOORS, POLICIES, KINDS)
    if door == "kubectl" or policy == "Allow"  # REST has no concurrencyPolicy
]


@dataclass(frozen=True)
class Cron:
    """A GraphCron of the suite. `kind` says what becomes of its thread: deleted, kept, or one thread for all runs."""

    number: int
    door: str
    policy: str
    kind: str
    times: tuple[datetime, ...]
    jitter: int = 0
    deadline: int | None = None

    @property
    def key(self) -> str:
        """Its name where it has a say in it; else what its create is repeated by."""
        return f"chaos-{self.number:03}"

    @property
    def schedule(self) -> str:
        """Its minutes. Read as a product of minutes and hours it has more of them, but none within the suite's time."""
        minutes = sorted({time.minute for time in self.times})
        hours = sorted({time.hour for time in self.times})
        return f"{','.join(map(str, minutes))} {','.join(map(str, hours))} * * *"


def minutes_of(firings: int) -> int:
    """How many minutes a suite of so many firings takes."""
    return 5 if firings >= 100 else 2


def crons(firings: int, seed: int, begin: datetime) -> list[Cron]:
    """GraphCrons that fire so often, or a little more, from `begin` on.

    Replace has three minutes from one firing to the next, in which a run ends: it then means the same as the others.
    """
    chance = Random(f"crons {seed}")
    minutes = minutes_of(firings)
    combinations = chance.sample(_COMBINATIONS, len(_COMBINATIONS))
    made: list[Cron] = []
    while sum(len(cron.times) for cron in made) < firings:
        door, policy, kind = combinations[len(made) % len(combinations)]
        step = 3 if policy == "Replace" else 1
        times = tuple(begin + timedelta(minutes=minute) for minute in range(0, minutes, step))
        jitter, deadline = chance.choice((0, 0, 20)), chance.choice((None, 900))
        if door == "REST":
            jitter, deadline = 0, None
        made.append(Cron(len(made), door, policy, kind, times, jitter, deadline))
    return made
