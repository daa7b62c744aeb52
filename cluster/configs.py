"""The configuration files of the local cluster: pure text, with the reason for each unusual line."""

import json
from dataclasses import dataclass
from pathlib import Path

from cluster.paths import Place
from cluster.plan import Plan

DOMAIN = "cluster.local"


@dataclass(frozen=True)
class Host:
    """What the configuration must know about this machine."""

    cni_plugins: Path
    may_raise_oom_score: bool
    """CAP_SYS_RESOURCE: without it, setting a pod's usual oom_score_adj fails and with it the pod."""
    snapshotter: str
    """overlayfs, or native (whole copies) where the disk is itself an overlay, as inside containers."""
    resolves: bool
    """Whether /etc/resolv.conf names a server to forward outside names to."""


AUDIT_POLICY = """\
# Counts writes: who changed which object, without bodies. Reads are not logged.
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
  verbs: [create, update, patch, delete, deletecollection]
- level: None
"""


def containerd(place: Place, host: Host, pause: str) -> str:
    """containerd 1.6 and 1.7 read this; 2.x converts it by itself."""
    runc = f"{_CRI}.containerd.runtimes.runc"
    return f"""\
version = 2
root = {_quoted(place.state / "containerd")}
state = {_quoted(place.run / "containerd")}
# Snapshotters for filesystems that are not used, a folder in /opt, a socket in /run:
disabled_plugins = [
  "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs",
  "io.containerd.internal.v1.opt", "io.containerd.nri.v1.nri",
]

[grpc]
address = {_quoted(place.containerd_socket)}

[plugins.{_quoted(_CRI)}]
sandbox_image = {_quoted(pause)}
restrict_oom_score_adj = {"false" if host.may_raise_oom_score else "true"}
# So that one folder holds all mounts that `down` has to undo.
netns_mounts_under_state_dir = true

[plugins.{_quoted(_CRI)}.cni]
bin_dir = {_quoted(host.cni_plugins)}
conf_dir = {_quoted(place.config / "cni")}

[plugins.{_quoted(_CRI)}.containerd]
snapshotter = {_quoted(host.snapshotter)}
default_runtime_name = "runc"

[plugins.{_table(runc)}]
runtime_type = "io.containerd.runc.v2"

[plugins.{_table(runc)}.options]
Root = {_quoted(place.run / "runc")}
SystemdCgroup = false
"""


def cni(place: Place, plan: Plan) -> str:
    """Pods' network interfaces; bridge and masquerading are host_network's, made once instead of per pod."""
    conflist = {
        "cniVersion": "0.4.0",
        "name": place.network,
        "plugins": [
            {
                "type": "bridge",
                "bridge": place.bridge,
                "isDefaultGateway": True,
                "hairpinMode": True,
                "ipMasq": False,
                "ipam": {
                    "type": "host-local",
                    "dataDir": str(place.run / "addresses"),  # a reboot frees all addresses
                    "ranges": [[{"subnet": plan.pods, "gateway": plan.gateway}]],
                },
            },
            {"type": "portmap", "capabilities": {"portMappings": True}},
        ],
    }
    return json.dumps(conflist, indent=2) + "\n"


def kubelet(place: Place, plan: Plan) -> str:
    """KubeletConfiguration, as JSON, which is YAML too."""
    settings = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": plan.gateway,
        "port": plan.ports["kubelet"],
        "readOnlyPort": 0,
        "healthzBindAddress": "127.0.0.1",
        "healthzPort": plan.ports["kubelet-healthz"],
        "tlsCertFile": str(place.pki / "kubelet.crt"),
        "tlsPrivateKeyFile": str(place.pki / "kubelet.key"),
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(place.pki / "ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "containerRuntimeEndpoint": f"unix://{place.containerd_socket}",
        "cgroupDriver": "cgroupfs",
        "failCgroupV1": False,
        "failSwapOn": False,
        "localStorageCapacityIsolation": False,
        "clusterDomain": DOMAIN,
        "clusterDNS": [plan.gateway],
        "resolvConf": str(place.config / "resolv.conf"),
        "maxPods": 250,
        # The images were loaded, not pulled: nobody could bring a collected one back.
        "imageGCHighThresholdPercent": 100,
        "evictionHard": {"memory.available": "50Mi", "nodefs.available": "0%", "imagefs.available": "0%"},
        "podLogsDir": str(place.logs / "pods"),
        "volumePluginDir": str(place.state / "kubelet" / "volume-plugins"),
        "makeIPTablesUtilChains": False,
        "oomScoreAdj": 0,
        # Crons share minutes, so pods start in bursts; the defaults (50, 100) spare apiservers of large clusters.
        "kubeAPIQPS": 200,
        "kubeAPIBurst": 400,
    }
    return json.dumps(settings, indent=2) + "\n"


def coredns(plan: Plan, kubeconfig: Path, host: Host) -> str:
    """CoreDNS for services and pods; other names go to the machine's own servers."""
    forward = "    forward . /etc/resolv.conf\n" if host.resolves else ""
    return f"""\
.:53 {{
    bind {plan.gateway}
    errors
    health 127.0.0.1:{plan.ports["dns-health"]}
    ready 127.0.0.1:{plan.ports["dns-ready"]}
    kubernetes {DOMAIN} in-addr.arpa ip6.arpa {{
        kubeconfig {_quoted(kubeconfig)}
        pods insecure
        fallthrough in-addr.arpa ip6.arpa
        ttl 5
    }}
{forward}    cache 30
}}
"""


def resolver(plan: Plan) -> str:
    """For pods with `dnsPolicy: Default`: the host's own may name 127.0.0.53, which no pod reaches."""
    return f"nameserver {plan.gateway}\n"


_CRI = "io.containerd.grpc.v1.cri"


def _quoted(text: str | Path) -> str:
    """A string in TOML, Caddyfile and JSON alike."""
    return json.dumps(str(text))


def _table(path: str) -> str:
    plugin, rest = path[: len(_CRI)], path[len(_CRI) :]
    return _quoted(plugin) + rest
