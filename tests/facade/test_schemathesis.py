"""Requests that schemathesis derives from the facade's own description: whatever is asked, it answers as it says."""

import asyncio
import os
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from graphcron.facade.auth.callers import Mode, read_keys
from graphcron.facade.store.snapshot import NO_METADATA
from tests.support import schemathesis_formats
from tests.support.extent import Extent
from tests.support.facade_server import serving
from tests.support.store_with_operator import StoreWithOperator
from tests.support.upstream_fake import UpstreamFake

ROOT = Path(__file__).parents[2]
KEY = "ada-key-" + "a" * 20
EXAMPLES, SAMPLE = 20, 4
"""For each operation and each way of making them: 20 are more than a thousand requests, and half a minute."""
WAIT = 150.0
"""Seconds after which the test gives up."""

CONFIG = """
# All checks but this one: no schema can say which schedules, zones and numbers are good.
checks.positive_data_acceptance.enabled = false

# Only POST has these paths; to other methods, as at LangGraph's server, they are ids that are no UUIDs: 422.
[[operations]]
include-path-regex = "^/runs/crons/(search|count)$"
checks.unsupported_method.enabled = false
checks.allow_header_conformance.enabled = false
"""


class CountingStore(StoreWithOperator):
    """Tells how often each of its verbs succeeded."""

    def __init__(self) -> None:
        super().__init__()
        self.done: Counter[str] = Counter()

    async def get(self, cron_id: str) -> Any:
        return self._count("get", await super().get(cron_id))

    async def list(self, metadata: Mapping[str, Any] = NO_METADATA) -> Any:
        return self._count("list", await super().list(metadata))

    async def create(self, manifest: Any) -> Any:
        return self._count("create", await super().create(manifest))

    async def patch(self, known: Any, operations: Any) -> Any:
        return self._count("patch", await super().patch(known, operations))

    async def delete(self, cron_id: str, known: Any = None) -> None:
        await super().delete(cron_id, known)
        self._count("delete", None)

    def _count(self, verb: str, answer: Any) -> Any:
        self.done[verb] += 1
        return answer


async def test_whatever_is_asked_is_answered_as_described(
    upstream: UpstreamFake, tmp_path: Path, extent: Extent
) -> None:
    """The same requests each time; with keys, and an Agent Server that has every thread and assistant."""
    store, (keys, _) = CountingStore(), read_keys({"ada": KEY.encode()})
    upstream.lookup_status = 200
    (tmp_path / "schemathesis.toml").write_text(CONFIG)
    async with serving(store, await upstream.start(), Mode.API_KEYS, auth={"keys": lambda: keys}) as url:
        process = await asyncio.create_subprocess_exec(
            *(Path(sys.executable).with_name("schemathesis"), "--no-color", "run", f"{url}/openapi.json"),
            *("--header", f"x-api-key: {KEY}", "--max-examples", str(extent.count(EXAMPLES, SAMPLE))),
            *("--seed", "1", "--generation-deterministic", "--no-shrink"),
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(ROOT), "SCHEMATHESIS_HOOKS": schemathesis_formats.__name__},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            said, _ = await asyncio.wait_for(process.communicate(), WAIT)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    assert process.returncode == 0, said.decode()
    # It did not only collect refusals.
    assert store.done.keys() == {"get", "list", "create", "patch", "delete"}, store.done
