"""The connection to a cluster. The only module that imports `kubernetes`.

It uses the official asynchronous client for credentials, TLS and connections, and leaves out its typed models:
converting to and from them costs twice the CPU of the request itself.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Self

from kubernetes.aio import config
from kubernetes.aio.client import ApiClient, Configuration

from graphcron.kube.api import Api
from graphcron.kube.errors import NoCluster
from graphcron.kube.resources import proxy_of
from graphcron.kube.transport import OnWrite
from graphcron.kube.write_gate import WriteGate

CONNECTION_LIMIT = 50
"""Connections at once. Unbounded TLS connections cost an operator 376 MiB at 10,000 objects."""


class Kube(Api):
    """A connection to one cluster: the pod's own, or the one that KUBECONFIG names.

    With a gate, writes raise NotLeading while it is closed, except those of the Lease that opens it. Every method
    raises KubeError."""

    @classmethod
    @asynccontextmanager
    async def connect(cls, gate: WriteGate | None = None, on_write: OnWrite | None = None) -> AsyncIterator[Self]:
        """In a pod, no proxy leads to the apiserver, whatever the environment says: it is inside.

        Raises NoCluster when there is neither a service account nor a kubeconfig that can be used."""
        configuration = Configuration()
        configuration.connection_pool_maxsize = CONNECTION_LIMIT
        try:
            config.load_incluster_config(client_configuration=configuration)
        except config.ConfigException as outside:
            await _load_kubeconfig(configuration, f"this is no pod with a service account ({outside})")
        async with _connected(configuration) as client:
            yield cls(client, gate, on_write)

    @classmethod
    @asynccontextmanager
    async def connect_as_user(cls, context: str | None = None) -> AsyncIterator[tuple[Self, str]]:
        """As kubectl connects: by the kubeconfig and one of its contexts, None for its current one. With the namespace
        that kubectl would use. Raises NoCluster."""
        configuration = Configuration()
        namespace = await _load_kubeconfig(configuration, "this command needs a kubeconfig", context)
        async with _connected(configuration) as client:
            yield cls(client), namespace


_SET = "Set KUBECONFIG to a file that names a cluster."


def _kubeconfig() -> str:
    """As a sentence names it."""
    return f"the kubeconfig {config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION}"


def _has_kubeconfig() -> bool:
    names = config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION.split(":")
    return any(Path(name).expanduser().exists() for name in names)


async def _load_kubeconfig(configuration: Configuration, otherwise: str, context: str | None = None) -> str:
    """The namespace of the context, None for the current one. `otherwise` is why there is no other way. Raises
    NoCluster."""
    if not _has_kubeconfig():
        raise NoCluster(f"no cluster to work with: {otherwise}, and of {_kubeconfig()} there is no such file. {_SET}")
    try:
        loader = await config.load_kube_config(context=context, client_configuration=configuration)
        namespace = str(loader.current_context["context"].get("namespace") or "default")
    except FileNotFoundError as error:
        if error.filename is None:  # none for a temporary file, says `tempfile`
            raise NoCluster(
                f"{_kubeconfig()} has certificates within it, and they have to be written to files, for which there is "
                f"no room ({error.strerror}): set TMPDIR to a directory that can be written to."
            ) from None
        raise NoCluster(f"{_kubeconfig()} cannot be used: {error}. {_SET}") from None
    except (TypeError, AttributeError):
        raise NoCluster(f"{_kubeconfig()} cannot be used: it is no kubeconfig. {_SET}") from None
    except Exception as error:  # the client reads whatever is in it
        raise NoCluster(f"{_kubeconfig()} cannot be used: {error}. {_SET}") from None
    configuration.proxy = configuration.proxy or proxy_of(configuration.host)
    return namespace


@asynccontextmanager
async def _connected(configuration: Configuration) -> AsyncIterator[ApiClient]:
    try:
        connection = ApiClient(configuration)
    except OSError as error:
        raise NoCluster(f"{_kubeconfig()}: a certificate or key of it cannot be used ({error}). {_SET}") from None
    async with connection as client:
        yield client
