"""Metadata keys `graphcron.dev/<field>`: which there are, what they set, and what becomes of them."""

import re
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from langgraph_sdk import get_client

from graphcron.facade import schemas, search, translation
from graphcron.facade.errors import RestError
from graphcron.facade.metadata_keys import FIELDS, OF_KUBECTL, OF_REST, shown, to_spec
from graphcron.facade.schemas import CronCount, ThreadCronCreate
from graphcron.facade.store.snapshot import Snapshot
from graphcron.resource.fields import InvalidGraphCron
from graphcron.resource.order_of import order
from graphcron.resource.spec import GraphCronSpec
from graphcron.resource.spec_reader import read_spec
from tests.support.facade_server import Client, made
from tests.support.rest_crons import MINIMAL, NOW, kubectl_made, patched
from tests.support.rest_crons import made as drafted
from tests.support.store_memory import MemoryStore

REST_PAGE = Path(__file__).parents[2] / "docs/rest.md"

KEYS: dict[str, Any] = {
    "graphcron.dev/retryLimit": 5,
    "graphcron.dev/maxFailures": 3,
    "graphcron.dev/concurrencyPolicy": "Forbid",
    "graphcron.dev/startTime": "2030-01-01T00:00:00+01:00",
}
SPEC = {"retryLimit": 5, "maxFailures": 3, "concurrencyPolicy": "Forbid", "startTime": "2030-01-01T00:00:00+01:00"}


class TestWhich:
    def test_each_field_of_the_spec_is_settable_in_one_way(self) -> None:
        """A new field of the spec is none that an owner may set, unless it is plain; then rest.md lists it."""
        settable = {name for name in GraphCronSpec.model_fields if _camel(name) in FIELDS.values()}
        assert {"thread_id", *GraphCronSpec.model_fields} & {"thread_id", *ThreadCronCreate.model_fields} == OF_REST
        assert not settable & (OF_REST | OF_KUBECTL)
        assert set(GraphCronSpec.model_fields) == settable | OF_REST | OF_KUBECTL | {"run_options"}

    def test_the_page_about_rest_lists_them(self) -> None:
        _, _, section = REST_PAGE.read_text().partition("\n### Fields of the GraphCron\n")
        listed = re.findall(r"^\| `(graphcron\.dev/\w+)` \|", section.partition("\n## ")[0], re.MULTILINE)
        assert sorted(listed) == sorted(FIELDS)
        for field in sorted(OF_KUBECTL):
            assert f"`{_camel(field)}`" in section, "what only kubectl can set is named"


def _camel(name: str) -> str:
    return str(GraphCronSpec.model_fields[name].alias)


class TestToTheSpec:
    def test_they_are_fields_of_the_spec_and_no_metadata_of_its_runs(self) -> None:
        spec = drafted(MINIMAL | {"metadata": KEYS | {"team": "blue"}})["spec"]
        assert spec == {"assistantId": "agent", "schedule": "27 15 * * *", "metadata": {"team": "blue"}} | SPEC
        request = order({"name": "nightly", "uid": "u"}, read_spec(spec), None).request
        assert request["metadata"] == {"team": "blue"}
        assert "metadata" not in drafted(MINIMAL | {"metadata": KEYS})["spec"]

    def test_null_removes_and_what_is_left_out_stays(self) -> None:
        before = kubectl_made(SPEC | {"metadata": {"team": "blue"}})
        after = patched(before, {"metadata": {"graphcron.dev/retryLimit": None, "graphcron.dev/jitterSeconds": 5.0}})
        assert after["spec"] == {name: before["spec"][name] for name in before["spec"] if name != "retryLimit"} | {
            "jitterSeconds": 5
        }
        assert "retryLimit" not in patched(kubectl_made({}), {"metadata": {"graphcron.dev/retryLimit": None}})["spec"]
        assert "retryLimit" not in drafted(MINIMAL | {"metadata": {"graphcron.dev/retryLimit": None}})["spec"]

    @pytest.mark.parametrize(
        ("key", "value"),
        [
            ("retryLimit", 101), ("retryLimit", -1), ("retryLimit", "many"), ("retryLimit", 0.5), ("retryLimit", {}),
            ("concurrencyPolicy", "forbid"), ("startTime", "tomorrow"), ("startTime", 5), ("maxFailures", 0),
            ("pauseReason", "x" * 1025), ("startTime", "9999-12-31T23:59:59-05:00"), ("jitterSeconds", 2**63),
        ],
    )  # fmt: skip
    def test_a_wrong_value_is_refused_in_the_words_of_the_operator(self, key: str, value: Any) -> None:
        with pytest.raises(InvalidGraphCron) as told:
            read_spec(kubectl_made({key: value})["spec"])
        metadata = {f"graphcron.dev/{key}": value}
        for change, before in ((drafted, MINIMAL), (partial(patched, kubectl_made({})), {})):
            with pytest.raises(RestError) as refused:
                change(before | {"metadata": metadata})
            assert (refused.value.status, refused.value.detail) == (422, told.value.message)

    @pytest.mark.parametrize("value", [True, "5"])
    def test_a_value_that_only_python_takes_is_refused(self, value: object) -> None:
        with pytest.raises(RestError, match=r"^spec\.retryLimit: input should be a valid integer$"):
            to_spec({"graphcron.dev/retryLimit": value})

    def test_fields_are_judged_together(self) -> None:
        with pytest.raises(RestError, match=r"^spec: startTime must be before endTime$"):
            drafted(MINIMAL | {"end_time": "2029-01-01T00:00:00Z", "metadata": KEYS})

    def test_placeholders_of_an_input_are_judged_with_it(self) -> None:
        keys = {"graphcron.dev/renderInput": True}
        assert (
            drafted(MINIMAL | {"input": {"day": "{{scheduledTime}}"}, "metadata": keys})["spec"]["renderInput"] is True
        )
        with pytest.raises(RestError, match=r"^spec: input\.day has a placeholder that renderInput does not know"):
            drafted(MINIMAL | {"input": {"day": "{{nope}}"}, "metadata": keys})

    @pytest.mark.parametrize(
        ("key", "said"),
        [
            ("retrylimit", "is not known: did you mean 'graphcron.dev/retryLimit'?"),
            ("retry_limit", "is not known: did you mean 'graphcron.dev/retryLimit'?"),
            ("", "is not known: these keys set fields of the GraphCron: graphcron.dev/"),
            ("zzz" * 40, "is not known: these keys set fields of the GraphCron: graphcron.dev/"),
            ("server", "is a field of the GraphCron that only kubectl can set: spec.server"),
            ("envFrom", "is a field of the GraphCron that only kubectl can set: spec.envFrom"),
            ("engine", "is a field of the GraphCron that only kubectl can set: spec.engine"),
            ("timezone", ": timezone has a place of its own in LangGraph's API"),
            ("runOptions", "is a field of the GraphCron: send each option as a field of the body"),
        ],
    )
    def test_another_key_of_ours_is_refused_with_the_one_that_is_meant(self, key: str, said: str) -> None:
        with pytest.raises(RestError) as refused:
            drafted(MINIMAL | {"metadata": {f"graphcron.dev/{key}": 1}})
        assert refused.value.status == 422
        named = f"graphcron.dev/{key}"[:100]
        assert refused.value.detail.removeprefix(f"metadata key '{named}'").lstrip().startswith(said)

    def test_many_mistakes_are_bounded(self) -> None:
        with pytest.raises(RestError) as refused:
            to_spec({f"graphcron.dev/{number}{'x' * 10_000}": 1 for number in range(10_000)})
        assert refused.value.detail.endswith("; and 9990 more")
        assert len(refused.value.detail) < 10_000


class TestShown:
    def test_what_was_read_can_be_written(self) -> None:
        cron = kubectl_made(SPEC | {"metadata": {"team": "blue"}})
        read = translation.cron(cron, NOW)
        assert read["metadata"] == KEYS | {"team": "blue"}
        assert read["payload"]["metadata"] == {"team": "blue"}, "as runs get them"
        assert patched(cron, {"metadata": read["metadata"]})["spec"] == cron["spec"]

    def test_without_any_the_metadata_are_as_they_are(self) -> None:
        assert shown({}) == {}
        assert shown({"metadata": {"team": "blue"}}) == {"team": "blue"}

    def test_a_search_finds_by_them(self) -> None:
        few = {"graphcron.dev/retryLimit": 5}
        crons = [
            kubectl_made({"retryLimit": number, "metadata": {"team": "blue" * large}}, name=name, uid=name)
            | {"metadata": {"name": name, "uid": name, "creationTimestamp": "2026-11-01T08:00:00Z"}}
            for name, number, large in (("a", 5, 1), ("b", 6, 1), ("c", 5, 3000))
        ]
        snapshot = Snapshot(crons, 5)
        for query, expected in ((few, ["a", "c"]), (few | {"team": "blue"}, ["a"]), ({"team": "blue"}, ["a", "b"])):
            count = schemas.read(CronCount, {"metadata": query})
            found = search.matching(snapshot.manifests(query), count)
            assert sorted(one["metadata"]["name"] for one in found) == expected


class TestBySdk:
    async def test_set_read_found_changed_and_removed(self, client: Client, store: MemoryStore) -> None:
        sdk = get_client(url=client.url)
        try:
            cron: Any = await sdk.crons.create("agent", schedule="0 9 * * *", metadata=KEYS | {"team": "blue"})
            assert cron["metadata"] == KEYS | {"team": "blue"}
            spec = store.manifests[cron["cron_id"]]["spec"]
            assert {name: spec[name] for name in SPEC} == SPEC
            await made(client)
            assert await sdk.crons.count(metadata={"graphcron.dev/retryLimit": 5}) == 1
            changes = {"graphcron.dev/retryLimit": None, "graphcron.dev/jitterSeconds": 30}
            changed: Any = await sdk.crons.update(cron["cron_id"], metadata=changes)
            expected = KEYS | {"team": "blue", "graphcron.dev/jitterSeconds": 30}
            del expected["graphcron.dev/retryLimit"]
            assert (
                changed["metadata"] == (await sdk.crons.update(cron["cron_id"], enabled=True))["metadata"] == expected
            )
        finally:
            await sdk.aclose()
