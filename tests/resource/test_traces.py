"""The address of a run's trace."""

import pytest

from graphcron.resource.traces import fault_of_template, trace_url


def test_a_trace_is_linked_where_the_run_has_what_the_template_needs() -> None:
    template = "https://trace.example/r/{run_id}?cron={namespace}/{name}"
    metadata = {"namespace": "team", "name": "night"}
    assert trace_url(template, metadata, "a/b&c", None) == "https://trace.example/r/a%2Fb%26c?cron=team/night"
    assert trace_url(template, metadata, None, "t") is None
    assert trace_url("", metadata, "a", None) is None


def test_values_are_no_templates() -> None:
    assert (
        trace_url("https://t/{run_id}/{name}", {"namespace": "team", "name": "n"}, "{name}", None)
        == "https://t/%7Bname%7D/n"
    )


@pytest.mark.parametrize(
    ("template", "fault"),
    [
        ("https://trace.example/{run_id}", None),
        ("http://trace.example/{thread_id}", None),
        ("https://trace.example/", "neither"),
        ("javascript:alert({run_id})", "http or https"),
        ("/r/{run_id}", "http or https"),
    ],
)
def test_a_template_is_a_web_address_with_a_run_or_a_thread(template: str, fault: str | None) -> None:
    found = fault_of_template(template)
    assert found is None if fault is None else fault in (found or "")
