"""What a failed start shows of a component's log."""

from pathlib import Path

from cluster.paths import Place
from cluster.readiness import last_words


def _log(root: Path, lines: list[str]) -> Place:
    place = Place(root)
    place.logs.mkdir(parents=True)
    (place.logs / "etcd.log").write_text("\n".join(lines))
    return place


def test_the_end_of_the_log_is_shown(tmp_path: Path) -> None:
    shown = last_words(_log(tmp_path, [f"line {number}" for number in range(100)]), "etcd")
    assert "line 99" in shown
    assert "line 50" not in shown


def test_a_panic_is_shown_rather_than_the_end_of_its_stack(tmp_path: Path) -> None:
    shown = last_words(_log(tmp_path, ["panic: out of cheese", *["  stack"] * 90]), "etcd")
    assert "out of cheese" in shown


def test_a_missing_log_is_no_second_error(tmp_path: Path) -> None:
    assert "etcd.log" in last_words(Place(tmp_path), "etcd")
