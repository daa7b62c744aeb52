"""etcd and an apiserver alone, as other tests use them."""

from pathlib import Path

from cluster.control_plane import control_plane
from cluster.paths import HERE


def test_it_keeps_what_it_was_told_over_a_crash_and_leaves_no_process(tmp_path: Path) -> None:
    with control_plane(tmp_path) as plane:
        plane.install_crd(HERE.root / "crds/graphcrons.yaml")
        crons = "/apis/graphcron.dev/v1/namespaces/default/graphcrons"
        manifest = {
            "apiVersion": "graphcron.dev/v1",
            "kind": "GraphCron",
            "metadata": {"name": "hello"},
            "spec": {"schedule": "0 0 * * *", "assistantId": "agent"},
        }
        plane.install(manifest, crons)
        assert "hello" in plane.audit_log.read_text()
        plane.kill_apiserver()
        plane.start()
        status, found = plane.api.request("GET", f"{crons}/hello")
        assert (status, found["spec"]) == (200, manifest["spec"])
    folder = str(tmp_path).encode()
    assert not [path for path in Path("/proc").glob("[0-9]*/cmdline") if folder in _read(path)]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
