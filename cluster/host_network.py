"""Makes and removes what a local cluster has in this machine's network: the pods' bridge and iptables rules."""

import contextlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from cluster import commands
from cluster.errors import ClusterError
from cluster.paths import Place
from cluster.plan import Network, Plan

_CHAINS = ("KUBE-", "CNI-HOSTPORT-", "CNI-DN-")
"""Chains that kube-proxy and the portmap plugin make."""


def ensure(place: Place, plan: Plan) -> None:
    """Have bridge, forwarding and rules as the plan says; what is there already is not touched."""
    if not _interface(place.bridge).exists():
        # A fixed hardware address: else the bridge takes a pod's, and changes it when that pod goes.
        octets = ":".join(place.id[i : i + 2] for i in range(0, 8, 2))
        commands.run(["ip", "link", "add", place.bridge, "address", f"02:67:{octets}", "type", "bridge"])
    width = Network(plan.pods).prefixlen
    commands.run(["ip", "address", "replace", f"{plan.gateway}/{width}", "dev", place.bridge])
    commands.run(["ip", "link", "set", place.bridge, "up"])
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    present = commands.run(["iptables-save"])
    for table, chain, condition in rules(place, plan):
        rule = [*condition, "-m", "comment", "--comment", place.network]
        if not _has(present, chain, place.network, condition):
            commands.run(["iptables", "-w", "-t", table, "-I", chain, *rule])


def rules(place: Place, plan: Plan) -> list[tuple[str, str, list[str]]]:
    """Pods may reach the machine and the world, and the world answers them, whatever the machine's firewall says."""
    bridge = place.bridge
    return [
        ("filter", "INPUT", ["-i", bridge, "-j", "ACCEPT"]),
        ("filter", "FORWARD", ["-i", bridge, "-j", "ACCEPT"]),
        ("filter", "FORWARD", ["-o", bridge, "-j", "ACCEPT"]),
        ("nat", "POSTROUTING", ["-s", plan.pods, "!", "-o", bridge, "-j", "MASQUERADE"]),
    ]


@contextlib.contextmanager
def cut_off(place: Place, plan: Plan, address: str) -> Iterator[None]:
    """Drop all that a pod sends to the apiserver, until the block ends. `down` would remove the rule, too."""
    apiserver = ["-p", "tcp", "--dport", str(plan.ports["apiserver"])]
    rule = ["INPUT", "-s", address, *apiserver, "-m", "comment", "--comment", place.network, "-j", "DROP"]
    commands.run(["iptables", "-w", "-I", *rule])
    try:
        yield
    finally:
        commands.run(["iptables", "-w", "-D", *rule])


def chains() -> list[str]:
    """The chains that exist now and look like ours; before the first `up` they are somebody else's."""
    saved = commands.run(["iptables-save"])
    return sorted({name for _, lines in _tables(saved) for name in _named(lines)})


def remove(place: Place, keep: Iterable[str]) -> None:
    """Remove interfaces and rules, but not the chains to keep; those that are not there are no matter."""
    for port in _ports(place.bridge):
        with contextlib.suppress(ClusterError):  # it goes by itself once its pod's namespace has
            commands.run(["ip", "link", "delete", port])
    if _interface(place.bridge).exists():
        commands.run(["ip", "link", "delete", place.bridge])
    for family in ("iptables", "ip6tables"):
        try:
            saved = commands.run([f"{family}-save"])
        except ClusterError:  # a machine without IPv6
            continue
        if script := removal_script(saved, place.network, set(keep)):
            commands.run([f"{family}-restore", "-w", "--noflush"], stdin=script)


def removal_script(saved: str, comment: str, keep: set[str]) -> str:
    """From iptables-save's output, what to feed to iptables-restore so that our rules and chains are gone.

    All others stay, untouched and in their order. One restore a table is atomic
    and takes milliseconds, where a thousand `iptables -D` would take a minute.
    """
    script = []
    for table, lines in _tables(saved):
        ours = [name for name in _named(lines) if name not in keep]
        doomed = [line for line in lines if _jumps_in(line, ours) or _commented(line, comment)]
        if ours or doomed:
            script += [f"*{table}", *(f":{chain} - [0:0]" for chain in ours)]  # naming a chain empties it
            script += [line.replace("-A ", "-D ", 1) for line in doomed]
            script += [*(f"-X {chain}" for chain in ours), "COMMIT"]
    return "\n".join([*script, ""]) if script else ""


def _tables(saved: str) -> Iterable[tuple[str, list[str]]]:
    for block in re.split(r"^\*", saved, flags=re.MULTILINE)[1:]:
        name, *lines = block.splitlines()
        yield name, lines


def _named(lines: list[str]) -> list[str]:
    """The chains of one table that bear a name such as ours."""
    declared = [line[1:].split()[0] for line in lines if line.startswith(":")]
    return [name for name in declared if name.startswith(_CHAINS)]


def _jumps_in(rule: str, ours: list[str]) -> bool:
    """Whether a rule of somebody else's chain leads into one of ours."""
    found = re.match(r"-A (\S+) .*-[jg] (\S+)", rule)
    return found is not None and found[1] not in ours and found[2] in ours


def _commented(rule: str, comment: str) -> bool:
    return rule.startswith("-A ") and bool(re.search(rf'--comment "?{re.escape(comment)}"?( |$)', rule))


def _has(saved: str, chain: str, comment: str, condition: list[str]) -> bool:
    words = {word for word in condition if not word.startswith(("-", "!"))}
    lines = [line for line in saved.splitlines() if line.startswith(f"-A {chain} ") and _commented(line, comment)]
    way = condition[0] if condition[0] in ("-i", "-o") else "-s"
    return any(words <= set(line.split()) and f" {way} " in line for line in lines)


def _interface(name: str) -> Path:
    return Path("/sys/class/net") / name


def _ports(bridge: str) -> list[str]:
    folder = _interface(bridge) / "brif"
    return [path.name for path in folder.iterdir()] if folder.exists() else []
