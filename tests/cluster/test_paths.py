"""The kernel's limits on names."""

from pathlib import Path

from cluster.paths import Place

DEEP = Place(Path("/") / "a-long-folder-name" / ("x" * 200) / "checkout")


def test_a_socket_path_fits_into_108_bytes_however_deep_the_checkout_is() -> None:
    assert len(str(DEEP.containerd_socket) + ".ttrpc") < 108


def test_an_interface_name_fits_into_15_characters() -> None:
    assert len(DEEP.bridge) <= 15


def test_two_checkouts_have_different_names() -> None:
    assert Place(Path("/a")).id != Place(Path("/b")).id
