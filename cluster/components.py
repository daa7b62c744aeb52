"""The local cluster's components and their arguments: one function each, in the order in which they start."""

from pathlib import Path

from cluster import kubeconfig
from cluster.paths import Place
from cluster.pki import FRONT_PROXY, NODE
from cluster.plan import Plan
from cluster.processes import Program

Flags = dict[str, str | Path]

NAMES = (
    "containerd", "etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler",
    "kubelet", "kube-proxy", "coredns",
)  # fmt: skip
"""What `all_of` returns, by name."""


def all_of(place: Place, plan: Plan, containerd_path: Path) -> list[Program]:
    """Every component; what one needs stands before it."""
    return [
        containerd(place, containerd_path),
        etcd(place, plan),
        apiserver(place, plan),
        controller_manager(place, plan),
        scheduler(place, plan),
        kubelet(place, plan),
        proxy(place, plan),
        coredns(place, plan),
    ]


def containerd(place: Place, program: Path) -> Program:
    config = place.config / "containerd.toml"
    return Program("containerd", (str(program), "--config", str(config)), (config,))


def etcd(place: Place, plan: Plan) -> Program:
    client = f"https://127.0.0.1:{plan.ports['etcd']}"
    peer = f"https://127.0.0.1:{plan.ports['etcd-peer']}"
    authority, certificate, key = place.pki / "ca.crt", place.pki / "etcd.crt", place.pki / "etcd.key"
    return _kube(
        place,
        "etcd",
        {
            "name": NODE,
            "data-dir": place.state / "etcd",
            "unsafe-no-fsync": "true",  # tests write a lot, and nobody mourns this data after a power cut
            "listen-client-urls": client,
            "advertise-client-urls": client,
            "listen-peer-urls": peer,
            "initial-advertise-peer-urls": peer,
            "initial-cluster": f"{NODE}={peer}",
            # Certificates even on loopback: who can write to etcd can start pods as root.
            "cert-file": certificate,
            "key-file": key,
            "trusted-ca-file": authority,
            "client-cert-auth": "true",
            "peer-cert-file": certificate,
            "peer-key-file": key,
            "peer-trusted-ca-file": authority,
            "peer-client-cert-auth": "true",
            "log-level": "warn",
        },
        reads=(authority, certificate, key),
    )


def apiserver(place: Place, plan: Plan) -> Program:
    pki = place.pki
    reads: Flags = {
        "etcd-cafile": pki / "ca.crt",
        "etcd-certfile": pki / "etcd.crt",
        "etcd-keyfile": pki / "etcd.key",
        "client-ca-file": pki / "ca.crt",
        "tls-cert-file": pki / "apiserver.crt",
        "tls-private-key-file": pki / "apiserver.key",
        "kubelet-certificate-authority": pki / "ca.crt",
        "kubelet-client-certificate": pki / "kubelet-client.crt",
        "kubelet-client-key": pki / "kubelet-client.key",
        "proxy-client-cert-file": pki / "front-proxy.crt",
        "proxy-client-key-file": pki / "front-proxy.key",
        "requestheader-client-ca-file": pki / "ca.crt",
        "service-account-key-file": pki / "service-account.key",
        "service-account-signing-key-file": pki / "service-account.key",
        "audit-policy-file": place.audit_policy,
    }
    settings: Flags = {
        "etcd-servers": f"https://127.0.0.1:{plan.ports['etcd']}",
        "bind-address": plan.gateway,
        "advertise-address": plan.gateway,
        "secure-port": str(plan.ports["apiserver"]),
        "service-cluster-ip-range": plan.services,
        "service-account-issuer": "https://kubernetes.default.svc.cluster.local",
        "authorization-mode": "Node,RBAC",
        "enable-admission-plugins": "NodeRestriction",
        "allow-privileged": "true",
        "requestheader-allowed-names": FRONT_PROXY,
        "requestheader-username-headers": "X-Remote-User",
        "requestheader-group-headers": "X-Remote-Group",
        "requestheader-extra-headers-prefix": "X-Remote-Extra-",
        "kubelet-preferred-address-types": "InternalIP",  # nobody can resolve the node's name
        "audit-log-path": place.audit_log,
        "audit-log-maxsize": "500",  # megabytes; a rotation in the middle of a test would lose counts
        "audit-log-maxbackup": "1",
        "profiling": "false",
    }
    return _kube(place, "kube-apiserver", settings | reads, reads=tuple(map(Path, reads.values())))


def controller_manager(place: Place, plan: Plan) -> Program:
    return _kube(
        place,
        "kube-controller-manager",
        _controller(place, plan, "controller-manager")
        | {
            "use-service-account-credentials": "true",
            "root-ca-file": place.pki / "ca.crt",
            "service-account-private-key-file": place.pki / "service-account.key",
            "cluster-signing-cert-file": place.pki / "ca.crt",
            "cluster-signing-key-file": place.pki / "ca.key",
            "flex-volume-plugin-dir": place.state / "kubelet" / "volume-plugins",  # else it makes one in /usr
        },
        reads=(kubeconfig.path_of(place, "controller-manager"), place.pki / "service-account.key"),
    )


def scheduler(place: Place, plan: Plan) -> Program:
    return _kube(
        place,
        "kube-scheduler",
        _controller(place, plan, "scheduler"),
        reads=(kubeconfig.path_of(place, "scheduler"),),
    )


def kubelet(place: Place, plan: Plan) -> Program:
    config, credentials = place.config / "kubelet.json", kubeconfig.path_of(place, "kubelet")
    return _kube(
        place,
        "kubelet",
        {
            "config": config,
            "kubeconfig": credentials,
            "hostname-override": NODE,
            "node-ip": plan.gateway,
            "root-dir": place.state / "kubelet",
        },
        reads=(config, credentials, place.config / "cni" / "10-graphcron.conflist"),
    )


def proxy(place: Place, plan: Plan) -> Program:
    credentials = kubeconfig.path_of(place, "proxy")
    return _kube(
        place,
        "kube-proxy",
        {
            "kubeconfig": credentials,
            "hostname-override": NODE,
            "proxy-mode": "iptables",
            "cluster-cidr": plan.pods,
            # Pods on one bridge answer each other past iptables where br_netfilter is not loaded;
            # with the sender rewritten, answers come back through it.
            "masquerade-all": "true",
            "healthz-bind-address": f"127.0.0.1:{plan.ports['proxy-healthz']}",
            "metrics-bind-address": f"127.0.0.1:{plan.ports['proxy-metrics']}",
            "nodeport-addresses": "primary",
            # The machine's own connection tracking settings stay as they are.
            "conntrack-max-per-core": "0",
            "conntrack-tcp-timeout-established": "0s",
            "conntrack-tcp-timeout-close-wait": "0s",
            "iptables-localhost-nodeports": "false",
            "oom-score-adj": "0",
        },
        reads=(credentials,),
    )


def coredns(place: Place, plan: Plan) -> Program:
    corefile, credentials = place.config / "Corefile", kubeconfig.path_of(place, "coredns")
    return Program("coredns", (str(place.bin / "coredns"), "-conf", str(corefile)), (corefile, credentials))


def _controller(place: Place, plan: Plan, name: str) -> Flags:
    """What controller-manager and scheduler share."""
    credentials = kubeconfig.path_of(place, name)
    return {
        "kubeconfig": credentials,
        "authentication-kubeconfig": credentials,
        "authorization-kubeconfig": credentials,
        "leader-elect": "false",  # a killed one's lease would delay its successor by 15 s
        "bind-address": "127.0.0.1",
        "secure-port": str(plan.ports[name]),
        "tls-cert-file": place.pki / f"{name}.crt",
        "tls-private-key-file": place.pki / f"{name}.key",
        "profiling": "false",
    }


def _kube(place: Place, name: str, flags: Flags, reads: tuple[Path, ...]) -> Program:
    # --flag=value in one word: separate words are ambiguous for booleans.
    arguments = [f"--{flag}={value}" for flag, value in flags.items()]
    return Program(name, (str(place.bin / name), *arguments), reads)
