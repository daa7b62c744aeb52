"""How fast the image starts is only told of an image that does start."""

from pathlib import Path

import pytest

from cluster import image_start
from cluster.errors import ClusterError


def test_an_image_that_does_not_start_has_no_figure(tmp_path: Path) -> None:
    (tmp_path / "layer").write_text("x")
    with pytest.raises(ClusterError, match="does not start in the image: "):
        image_start.start(tmp_path, cold=True)
