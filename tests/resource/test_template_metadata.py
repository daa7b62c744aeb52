"""Labels and annotations of run pods, at the operator; test_doors.py has that the CRD says the same."""

import pytest
from pydantic import TypeAdapter, ValidationError

from graphcron.resource.template_metadata import (
    ENTRIES_LIMIT,
    KEYS,
    RESERVED_ANNOTATIONS,
    RESERVED_LABELS,
    Annotations,
    Labels,
)


def label(entries: object) -> str:
    """What is said of them as labels; empty when they are taken."""
    return _said(TypeAdapter(Labels), entries)


def annotation(entries: object) -> str:
    return _said(TypeAdapter(Annotations), entries)


def _said(adapter: TypeAdapter[dict[str, str]], entries: object) -> str:
    try:
        adapter.validate_python(entries)
    except ValidationError as wrong:
        return str(wrong.errors()[0]["msg"]).removeprefix("Value error, ")
    return ""


def test_a_name_has_63_characters_and_its_domain_253() -> None:
    domain = ".".join(["d" * 63] * 3 + ["d" * 61])
    assert len(domain) == 253
    longest = f"{domain}/{'n' * 63}"
    assert label({longest: ""}) == annotation({longest: ""}) == ""
    assert label({longest.replace("/", "d/"): ""}) == label({"n" * 64: ""}) == KEYS


def test_so_many_entries_are_counted_before_one_is_read() -> None:
    many = {f"kubernetes.io/{number}": "" for number in range(ENTRIES_LIMIT + 1)}
    assert label(many) == annotation(many) == "must have at most 64 entries"


@pytest.mark.parametrize("domain", ["kubernetes.io", "k8s.io", "graphcron.dev", "node.kubernetes.io"])
def test_a_reserved_domain_and_what_is_below_it_is_nobodys(domain: str) -> None:
    assert label({f"{domain}/x": "y"}) == RESERVED_LABELS
    assert annotation({f"{domain}/x": "y"}) == RESERVED_ANNOTATIONS


def test_a_domain_that_only_ends_alike_is_anybodys() -> None:
    assert label({"my-kubernetes.io/x": "y", "x-k8s.io/x": "y", "graphcron.dev.example/x": "y"}) == ""


def test_what_is_free_as_a_label_is_reserved_as_an_annotation_and_the_other_way_round() -> None:
    instance, evict = {"app.kubernetes.io/instance": "x"}, {"cluster-autoscaler.kubernetes.io/safe-to-evict": "x"}
    assert (label(instance), annotation(instance)) == ("", RESERVED_ANNOTATIONS)
    assert (label(evict), annotation(evict)) == (RESERVED_LABELS, "")


def test_only_the_value_graphcron_of_the_name_is_taken() -> None:
    assert label({"app.kubernetes.io/name": "graphcron"}) == RESERVED_LABELS
    assert label({"app.kubernetes.io/name": "report"}) == ""
    assert annotation({"job-name": "x"}) == "", "a Job looks at labels alone"


def test_what_is_no_object_is_told_by_its_type() -> None:
    assert label(["team"]) == "Input should be a valid dictionary"
