"""Whatever an apiserver has stored, in whatever shape: a status of a bounded size, in little time and memory."""

import copy
import json
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from graphcron.kube import jsontext
from graphcron.kube.resources import GRAPHCRONS, Manifest
from graphcron.operator.cronjob import Installation
from graphcron.operator.events import Event, event_manifest
from graphcron.operator.object_cache import ObjectCache
from graphcron.operator.reconcile import conclude, decide
from graphcron.resource.spec import GraphCronSpec
from graphcron.resource.spec_parts import Template
from graphcron.resource.status import MESSAGE_LIMIT, Condition, GraphCronStatus, HistoryEntry
from tests.support.extent import Extent
from tests.support.hostile_json import cost, nested, objects, values
from tests.support.world import PODS, World, at

INSTALLATION = Installation(PODS, timedelta())
STORED = 1_500_000
"""Bytes that etcd takes."""
UNITS, MEMORY = 25, 100 * 2**20
"""Of CPU: half a second where `unit` is 20 ms; what is seen is a third of that. Of memory: a fifth of the chart's."""
STATUS_BYTES = 64 * 1024


def fields(model: type[Any]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


specs = st.one_of(objects(fields(GraphCronSpec)), st.fixed_dictionaries({"template": objects(fields(Template))}))
statuses = st.one_of(
    st.just({}),
    objects(fields(GraphCronStatus)),
    st.builds(lambda entry: {"history": [entry] * 10}, objects(fields(HistoryEntry))),
    st.builds(lambda entry: {"conditions": [entry] * 10}, objects(fields(Condition))),
)


def graphcron(spec: dict[str, Any], status: dict[str, Any], labels: object) -> Manifest | None:
    """As a watch brings it; None when it is more than an apiserver stores, or no JSON."""
    made = copy.deepcopy(World().graphcron)
    made["spec"] |= spec
    made |= {"status": status}
    made["metadata"] |= {"resourceVersion": "1", "labels": labels if isinstance(labels, dict) else {}}
    try:
        text = json.dumps(made, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return None
    return jsontext.loads(text) if len(text) < STORED else None


def reconcile(manifest: Manifest) -> tuple[Manifest, list[Event]]:
    """As the controller does, without the writes."""
    cache = ObjectCache()
    cache.put(GRAPHCRONS, manifest)
    observed = cache.of(("team", "hello"))
    assert observed
    return conclude(observed, decide(observed, INSTALLATION, at("10:05")), at("10:05"))


def test_any_graphcron_costs_little_and_gets_a_short_status(extent: Extent) -> None:
    @settings(
        max_examples=extent.count(2000, 150), deadline=None, derandomize=True, database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate],  # to shrink what takes a second takes an hour
    )  # fmt: skip
    @given(specs, statuses, values)
    @example(spec={}, status={"conditions": 1e25}, labels={})
    @example(spec={}, status={"lastScheduleTime": 1, "history": [{"scheduledTime": "9999-01-01T00:00:00Z"}]}, labels={})
    @example(spec={}, status={"lastSuccessfulTime": {"url": [[]] * 333_333}}, labels={})
    @example(spec={"input": nested({}, 400)}, status={"lastSuccessfulTime": {"url": [[]] * 333_333}}, labels={})
    def check(spec: dict[str, Any], status: dict[str, Any], labels: object) -> None:
        if (manifest := graphcron(spec, status, labels)) is None:
            return
        written, events = reconcile(manifest)
        assert len(json.dumps(written)) < STATUS_BYTES
        assert all(len(condition["message"]) <= MESSAGE_LIMIT for condition in written["conditions"])
        for event in events:
            assert len(json.dumps(event_manifest(manifest, event, at("10:05")))) < 10_000
        spent = cost(lambda: reconcile(manifest))
        assert spent.units < UNITS
        assert spent.peak < MEMORY

    check()
