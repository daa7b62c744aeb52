"""The local cluster from up to down: every component a plain process of this machine.

`up` states what should run and makes it so. On a healthy cluster that finds
nothing to do; on a damaged one it restarts what is missing.
"""

import fcntl
import shutil
from pathlib import Path

from cluster import (
    binary,
    bootstrap,
    claims,
    cleanup,
    components,
    configs,
    containers,
    files,
    host_network,
    kubeconfig,
    machine,
    packages,
    pause,
    pki,
    plan,
    processes,
    readiness,
)  # fmt: skip
from cluster.api import Api
from cluster.errors import ClusterError
from cluster.paths import Place
from cluster.plan import Plan
from cluster.processes import Program
from cluster.progress import say


def check(place: Place) -> None:
    """Refuse a machine that cannot have a local cluster."""
    machine.check()


def up(place: Place) -> None:
    """Have a healthy cluster: start, repair or leave alone."""
    packages.ensure_local_cluster()
    built = binary.ensure()
    pause.image()
    binary.link(place, built)
    _remove_orphans(place)
    claims.make(place)
    existing = plan.load(place.plan)
    try:
        _start(place, existing or _fresh(place))
    except ClusterError as error:
        if not existing:
            raise
        say(f"{error}\nThe old cluster could not be repaired: making a new one.")
        cleanup.everything(place)
        claims.make(place)
        _start(place, _fresh(place))


def down(place: Place) -> None:
    """Remove the cluster and every trace of it from the machine."""
    machine.check()
    cleanup.everything(place)
    say("local cluster: gone")


def load(place: Place, archive: Path) -> list[str]:
    """Put an image archive into the cluster; the names by which pods can use it."""
    machine.check()
    return containers.load(place, archive)


def content(place: Place, image: str) -> str | None:
    """The digest of the configuration of the image that the cluster has under this name."""
    return containers.content(place, image)


def status(place: Place) -> list[tuple[str, bool]]:
    """Each component and each fact about it, and whether it is as it should be."""
    machine.check()
    planned = plan.load(place.plan)
    if planned is None:
        return [("local cluster", False)]
    running = processes.components(place.id)
    alive = [
        (f"{name} runs" + (f" (pid {running[name].pid})" if name in running else ""), name in running)
        for name in components.NAMES
    ]
    return alive + [(check.fact, readiness.holds(check)) for check in readiness.checks(place, planned)]


def start(place: Place, names: set[str]) -> list[str]:
    """Start those of the named components that do not run, and wait for nothing; who was started."""
    planned = plan.load(place.plan)
    if planned is None:
        raise ClusterError("No local cluster is up.")
    return _start_missing(place, components.all_of(place, planned, packages.find("containerd")), names)


def _fresh(place: Place) -> Plan:
    """Plan a new cluster; the logs of an earlier one would only confuse."""
    shutil.rmtree(place.logs, ignore_errors=True)
    place.audit_log.unlink(missing_ok=True)
    return plan.make(place)


def _start(place: Place, planned: Plan) -> None:
    pause_name, pause_archive = pause.image()
    _write_configuration(place, planned, pause_name)
    host_network.ensure(place, planned)
    wanted = components.all_of(place, planned, packages.find("containerd"))
    _stop_outdated(place, wanted)
    started = _start_missing(place, wanted, {"containerd", "etcd"})
    checks = readiness.checks(place, planned)
    listens = {check.component: check for check in reversed(checks)}  # each component's first fact
    readiness.wait(place, listens["etcd"])
    started += _start_missing(place, wanted, {"kube-apiserver"})
    readiness.wait(place, listens["containerd"])
    if not containers.has(place, pause_name):
        containers.load(place, pause_archive)
    readiness.wait(place, listens["kube-apiserver"])
    bootstrap.ensure(Api(place, planned))
    # kube-proxy ends itself when its node takes long to appear.
    started += _start_missing(place, wanted, {program.name for program in wanted} - {"kube-proxy"})
    readiness.wait(place, next(check for check in checks if check.fact == readiness.NODE_READY))
    started += _start_missing(place, wanted, {"kube-proxy"})
    for check in checks:
        readiness.wait(place, check)
    say(f"local cluster: {'started ' + ', '.join(started) if started else 'healthy, nothing to do'}")


def _stop_outdated(place: Place, wanted: list[Program]) -> None:
    """End the components that run with other arguments, files or binary than they now should."""
    current = {program.name: program.fingerprint for program in wanted}
    running = processes.components(place.id).values()
    processes.stop([process for process in running if process.fingerprint != current.get(process.component)], seconds=5)


def _start_missing(place: Place, wanted: list[Program], names: set[str]) -> list[str]:
    """Start those of the named programs that do not run; who was started."""
    running = processes.components(place.id)
    missing = [program for program in wanted if program.name in names and program.name not in running]
    for program in missing:
        processes.start(place.id, program, place.logs / f"{program.name}.log")
    return [program.name for program in missing]


def _write_configuration(place: Place, planned: Plan, pause_name: str) -> None:
    host = machine.describe(place.state)
    pki.ensure(place.pki, planned)
    kubeconfig.write_all(place, planned)
    for path, content in {
        place.audit_policy: configs.AUDIT_POLICY,
        place.config / "containerd.toml": configs.containerd(place, host, pause_name),
        place.config / "cni" / "10-graphcron.conflist": configs.cni(place, planned),
        place.config / "kubelet.json": configs.kubelet(place, planned),
        place.config / "Corefile": configs.coredns(planned, kubeconfig.path_of(place, "coredns"), host),
        place.config / "resolv.conf": configs.resolver(planned),
    }.items():
        files.write(path, content)


def _remove_orphans(place: Place) -> None:
    for claim, why in claims.orphans(_is_dead):
        if claim.place.id != place.id:
            say(f"removing the cluster of {claim.root}, which {why}")
            cleanup.everything(claim.place)


def _is_dead(place: Place) -> bool:
    """Whether no process of a cluster is left, and nobody is starting one at the moment."""
    if processes.find(place.id) or not place.lock.exists():
        return False
    with place.lock.open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True
