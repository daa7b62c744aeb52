"""What `down` may remove outside our folders."""

from cluster.claims import FOLDERS


def test_an_inner_folder_is_removed_before_the_one_it_is_in() -> None:
    for number, outer in enumerate(FOLDERS):
        assert not [inner for inner in FOLDERS[number:] if inner.startswith(f"{outer}/")]
