"""What the notifier writes into a status the operator neither reads nor removes; what others write it corrects."""

from typing import Any

from graphcron.operator.other_writers import changed_meanwhile, own_fields


def of(status: Any, *, version: str = "1", generation: int = 1) -> dict[str, Any]:
    return {"metadata": {"resourceVersion": version, "generation": generation}, "status": status}


def test_what_the_notifier_writes_is_not_there() -> None:
    assert own_fields(of({"active": 1, "notifications": []}))["status"] == {"active": 1}
    assert own_fields(of("forged"))["status"] == "forged"


def test_another_look_is_due_after_an_edit_and_after_a_foreign_write() -> None:
    before, wanted = of({"active": 1}), {"active": 0}
    assert not changed_meanwhile(before, of(wanted | {"notifications": []}, version="2"), wanted)
    assert changed_meanwhile(before, of(wanted, version="2", generation=2), wanted)
    assert changed_meanwhile(before, of(wanted | {"forged": 1}, version="2"), wanted)


def test_a_field_that_an_older_crd_drops_is_not_written_for_ever() -> None:
    before = of({"active": 1}, version="2")
    assert not changed_meanwhile(before, of({"active": 1}, version="2"), {"active": 1, "spending": {}})
