"""An apiserver of the test's own that knows GraphCrons and their backfills."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cluster.control_plane import ControlPlane, control_plane
from cluster.paths import HERE


@contextmanager
def graphcron_apiserver(folder: Path, *namespaces: str, controllers: bool = False) -> Iterator[ControlPlane]:
    """With the CRDs and these namespaces. `controllers` starts the controller manager too."""
    with control_plane(folder, controllers=controllers) as plane:
        for crd in sorted((HERE.root / "crds").glob("*.yaml")):
            plane.install_crd(crd)
        for namespace in namespaces:
            plane.install({"metadata": {"name": namespace}}, "/api/v1/namespaces")
        yield plane
