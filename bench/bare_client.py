"""The least that could keep GraphCrons in line, for comparison: list, watch, apply a CronJob, patch a status.

It decides nothing, retries nothing and outlives nothing: what an operator costs beyond it is what its promises cost.
Its CronJobs and statuses are the size of ours: `operator_scale` gives it the templates.
"""

import asyncio
import json
import os
import ssl
import sys
import time
from typing import Any

import aiohttp

IN_FLIGHT = 20
PAGE = 500
CRONS = "/apis/graphcron.dev/v1/graphcrons"


async def main() -> None:
    started = time.perf_counter()
    given = json.loads(os.environ["BARE_CLIENT"])
    trust = ssl.create_default_context(cafile=given["ca"])
    trust.load_cert_chain(given["certificate"], given["key"])
    cron_job, status = given["cron_job"], given["status"]
    queue: asyncio.Queue[tuple[str, str, str, int, str]] = asyncio.Queue()

    def see(item: dict[str, Any]) -> None:
        metadata = item["metadata"]
        if (item.get("status") or {}).get("observedGeneration") != metadata["generation"]:
            place = metadata["namespace"], metadata["name"], metadata["uid"]
            queue.put_nowait((*place, metadata["generation"], item["spec"]["schedule"]))

    async with aiohttp.ClientSession(
        given["url"],
        connector=aiohttp.TCPConnector(ssl=trust, limit=50),
        headers={"User-Agent": "bare"},
        timeout=aiohttp.ClientTimeout(total=None),
        read_bufsize=2**21,
    ) as session:

        async def work() -> None:
            while True:
                namespace, name, uid, generation, schedule = await queue.get()
                body = cron_job.replace("x-name", name).replace("x-uid", uid).replace("x-schedule", schedule)
                async with session.patch(
                    f"/apis/batch/v1/namespaces/{namespace}/cronjobs/{name}?fieldManager=bare&force=true",
                    data=body.encode(),
                    headers={"Content-Type": "application/apply-patch+yaml"},
                ) as answer:
                    await answer.json()
                    assert answer.status < 300, await answer.text()
                text = status.replace('"x-generation"', str(generation))
                async with session.patch(
                    f"/apis/graphcron.dev/v1/namespaces/{namespace}/graphcrons/{name}/status",
                    data=text.encode(),
                    headers={"Content-Type": "application/merge-patch+json"},
                ) as answer:
                    await answer.json()
                    assert answer.status < 300, await answer.text()

        token = ""
        while True:
            async with session.get(CRONS, params={"limit": str(PAGE), "continue": token}) as answer:
                page = json.loads(await answer.read())
            for item in page["items"]:
                see(item)
            version, token = page["metadata"]["resourceVersion"], page["metadata"].get("continue", "")
            if not token:
                break
        sys.stdout.write(f"{time.perf_counter() - started}\n")
        sys.stdout.flush()
        async with asyncio.TaskGroup() as group:
            for _ in range(IN_FLIGHT):
                group.create_task(work())
            while True:  # the apiserver ends watches of a resource that has only just been defined
                watch = {"watch": "true", "resourceVersion": version, "allowWatchBookmarks": "true"}
                async with session.get(CRONS, params=watch) as answer:
                    async for line in answer.content:
                        event = json.loads(line)
                        version = event["object"]["metadata"]["resourceVersion"]
                        if event["type"] in ("ADDED", "MODIFIED"):
                            see(event["object"])


asyncio.run(main())
