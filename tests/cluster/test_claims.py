"""Whose the machine is, and what `down` may remove outside our folders."""

import json
from dataclasses import asdict
from pathlib import Path

from cluster.claims import FOLDERS, Claim, orphans


def test_an_inner_folder_is_removed_before_the_one_it_is_in() -> None:
    for number, outer in enumerate(FOLDERS):
        assert not [inner for inner in FOLDERS[number:] if inner.startswith(f"{outer}/")]


def test_a_claim_is_orphaned_when_its_checkout_or_its_cluster_is_gone(tmp_path: Path) -> None:
    """A killed cluster holds the machine otherwise, and whoever could run `make down` there is gone as well."""
    for name in ("deleted", "dead", "alive"):
        root = tmp_path / name
        (root if name == "deleted" else root / "cluster").mkdir(parents=True)
        note = Claim(root=str(root), sysctls={}, chains=[], folders=[])
        (tmp_path / "run" / name).mkdir(parents=True)
        (tmp_path / "run" / name / "claim.json").write_text(json.dumps(asdict(note)))
    found = orphans(lambda place: place.root.name != "alive", tmp_path / "run")
    assert {(Path(claim.root).name, why) for claim, why in found} == {
        ("deleted", "was deleted while it was up"),
        ("dead", "was killed"),
    }
