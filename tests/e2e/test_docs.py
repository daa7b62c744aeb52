"""The commands and the Python of each document, run as its reader would run them, in order, on the demo's cluster.

tests/docs/blocks.py says how a document tells what is not run. What a reader is to replace by something of their own
has a stand-in here.
"""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import yaml
from aiohttp.test_utils import unused_port

from cluster import commands, deploy
from cluster.paths import HERE, user_cache
from examples.demo.session import Session
from tests.docs.blocks import all_blocks
from tests.e2e.conftest import release
from tests.support.document_reader import Reader, reader
from tests.support.manifests import graphcron, ready

ROOT = HERE.root.resolve()
PLATFORM = Path("docs/tutorials/platform-team.md")
"""It makes its own namespace and installs its own release."""
BLOCKS = [block for block in all_blocks(ROOT) if block.is_run and block.marker != "alone"]
FOLLOWED = {
    path: [block for block in BLOCKS if block.document == path]
    for path in dict.fromkeys(block.document for block in BLOCKS if block.language != "yaml")
}

# The releases beside this one share the CRD and leave its namespace alone. And curl fails where a server says no.
PRELUDE = """\
helm() {
  case $1 in
    install|upgrade) command helm "$@" --set scope=namespace --set crds.enabled=false --wait --timeout 180s;;
    *) command helm "$@";;
  esac
}
curl() { command curl --fail-with-body --show-error "$@"; }
"""
NAMESPACE = re.compile(r"((?:-n|--namespace|namespace) |serviceaccount:)graphcron\b(?!-)")


@contextmanager
def reader_in(namespace: str, folder: Path) -> Iterator[Reader]:
    """Somebody whose kubectl works in this namespace, which is that of the release."""
    config = yaml.safe_load(HERE.kubeconfig.read_text())
    for context in config["contexts"]:
        context["context"]["namespace"] = namespace
    path = os.pathsep.join([str(HERE.bin), str(Path(sys.executable).parent), os.environ["PATH"]])
    (folder / "kubeconfig").write_text(yaml.safe_dump(config))
    own = {"PATH": path, "AGENT_SERVER_KEY": "of-16-letters-or-more", "XDG_CACHE_HOME": str(user_cache().parent)}
    environment = commands.environment(folder / "kubeconfig", **own)
    home = folder / "home"
    home.mkdir()
    with reader(ROOT, home, environment, PRELUDE) as one:
        one.stand_ins = {
            "registry.example.com/graphcron": "graphcron/graphcron",
            "0.1.0": "dev",
            "http://agent-server.agents.svc": f"http://agent-server.{SERVERS}.svc",
            "8080": str(unused_port()),
            "8124": str(unused_port()),
        }
        one.rewrite = lambda text: NAMESPACE.sub(rf"\g<1>{namespace}", text)
        yield one


FACADE = f"service/{deploy.RELEASE}-facade"
SERVERS = f"{deploy.NAMESPACE}-docs"
"""Namespace of the Agent Server."""


@pytest.fixture(scope="module")
def report(session: Session) -> str:
    """The GraphCron that the how-tos take as given, with a firing; returns the cron's id."""
    session.apply(graphcron("report", input={"messages": [{"role": "user", "content": "hi"}]}))
    ready(session, "report")
    session.kubectl("create", "job", "--from=cronjob/report", "report-before")
    session.kubectl("wait", "--for=condition=Complete", "job/report-before", "--timeout=60s")
    return str((session.one("graphcron", "report") or {})["metadata"]["uid"])


@pytest.mark.parametrize("document", [path for path in FOLLOWED if path != PLATFORM], ids=str)
def test_a_document_can_be_followed(session: Session, report: str, document: Path, tmp_path: Path) -> None:
    def made(field: str) -> str:
        """Of the newest GraphCron."""
        newest = max(session.get("graphcrons"), key=lambda item: str(item["metadata"]["creationTimestamp"]))
        return str(newest["metadata"]["name"] if field == "name" else newest["spec"][field])

    with ExitStack() as stack:
        one = stack.enter_context(reader_in(session.namespace, tmp_path))
        one.stand_ins |= {
            # Anew for each block: an upgrade replaces the pod that it leads to.
            "http://graphcron-facade.graphcron.svc": lambda: stack.enter_context(session.forward(FACADE, 80)),
            "CRON_ID": lambda: made("name"),
            "THREAD_ID": lambda: made("threadId"),
        }
        one.names = {"cron_id": report}
        (one.folder / "bobs-keys").write_text("a-key-of-16-letters-or-more\n")
        values = deploy.helm(HERE, "get", "values", deploy.RELEASE, "-n", session.namespace, "-o", "yaml")
        (one.folder / "values.yaml").write_text(values)
        one.follow(FOLLOWED[document])
    session.kubectl("delete", "secret", "graphcron-api-keys", "--ignore-not-found")
    if any("helm upgrade" in block.commands for block in FOLLOWED[document]):
        release(session)


@pytest.fixture
def nothing(session: Session) -> Iterator[str]:
    """A namespace that is not there. Afterwards it is gone, and so is what its release made elsewhere."""
    namespace = f"{SERVERS}-platform"
    gone = ("delete", "namespace", namespace, "--ignore-not-found")
    deploy.kubectl(HERE, *gone)  # of a test that was killed
    yield namespace
    deploy.helm(HERE, "uninstall", deploy.RELEASE, "-n", namespace, "--ignore-not-found")
    deploy.kubectl(HERE, *gone, "--wait=false")


def test_the_platform_team_can_start_from_nothing(nothing: str, tmp_path: Path) -> None:
    with reader_in(nothing, tmp_path) as one:
        one.follow(FOLLOWED[PLATFORM])
