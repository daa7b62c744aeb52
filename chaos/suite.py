"""The course of the suite: make GraphCrons, strike while they fire, mend, wait, judge, clean up."""

import json
import shutil
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from threading import Event
from typing import Any

from chaos.acts import act
from chaos.api_acts import accept_requests, disarm
from chaos.doors import KEPT, create, manifest, thread
from chaos.plan import Cron, Fault, Strike, crons, minutes_of, strikes
from chaos.verdict import Verdict, left_behind, verdict
from chaos.world import NAMESPACE, RUN_PODS, Json, NoVictim, World
from cluster.errors import ClusterError
from cluster.paths import HERE
from examples.demo.session import TookTooLong, wait_for

READY_SECONDS = 30.0
"""For the GraphCrons to be ready, while the facade is killed, and half a second more for each."""
RECORDED_SECONDS = 300.0
"""From the end of the last strike until each outcome is in a status. An operator that was killed several times in a
row is started again after minutes."""
GONE_SECONDS = 60.0
"""From `kubectl delete graphcrons --all` until no CronJob, Job or pod of theirs is left."""
TAIL_SECONDS = 20.0
"""How long strikes go on after the last minute has begun."""
AT_ONCE = 12


@dataclass
class Result:
    """What the table of docs/reliability.md is written from."""

    verdict: Verdict
    struck: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    recorded_seconds: float = 0
    gone_seconds: float = 0


class Suite:
    """One run. `names` maps GraphCrons in the cluster to the crons of the plan."""

    def __init__(self, world: World, faults: Sequence[Fault], firings: int) -> None:
        self.world, self.faults, self.firings = world, faults, firings
        self.crons: list[Cron] = []
        self.names: dict[str, Cron] = {}
        self.threads: dict[str, str] = {}
        self.result = Result(Verdict())
        self._over = Event()

    @property
    def firings_due(self) -> int:
        """Of all GraphCrons, from the first minute to the last."""
        return sum(len(cron.times) for cron in self.crons)

    def run(self) -> Result:
        """From the first GraphCron to the last object that is gone. What is wrong is in the verdict."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            supervising = pool.submit(self._supervise)
            try:
                try:
                    self._make()
                    self._strike(pool)
                finally:
                    self._mend()
                self._wait()
                self._judge()
            finally:
                self._over.set()
        supervising.result()
        return self.result

    def _make(self) -> None:
        """All GraphCrons, ready before their first minute; those made by REST while a facade is killed every 8 s."""
        now = datetime.now(UTC)
        lead = timedelta(seconds=READY_SECONDS + len(crons(self.firings, self.world.seed, now)) / 2)
        begin = (now + lead).replace(second=0, microsecond=0) + timedelta(minutes=1)
        self.crons = crons(self.firings, self.world.seed, begin)
        self.world.say(
            f"{len(self.crons)} GraphCrons, {self.firings_due} firings from {begin:%H:%M} on; seed {self.world.seed}"
        )
        for cron in self.crons:
            if cron.kind == "thread":
                self.threads[cron.key] = thread(self.world, cron)
        self.world.session.apply(
            *(manifest(cron, self.threads.get(cron.key)) for cron in self.crons if cron.door == "kubectl")
        )
        self.names = {cron.key: cron for cron in self.crons if cron.door == "kubectl"}
        killing = any(fault.name == "facade-kill" for fault in self.faults)
        chance, kill_at = Random(f"facade {self.world.seed}"), time.monotonic()
        for cron in self.crons:
            if cron.door == "REST":
                if killing and time.monotonic() >= kill_at:
                    self._act(Strike(0, next(f for f in self.faults if f.name == "facade-kill"), 0, chance.random()))
                    kill_at = time.monotonic() + 8
                self.names[create(self.world, cron, self.threads.get(cron.key))] = cron
        for name in (name for name, cron in self.names.items() if cron.door == "REST"):
            self.world.session.kubectl("patch", "graphcron", name, "--type=merge", "-p", json.dumps({"spec": KEPT}))
        words = ("--for=condition=Ready", "graphcrons", "--all", "--timeout=60s")
        self.world.session.kubectl("wait", *words)
        if datetime.now(UTC) >= begin:
            raise TookTooLong(f"the GraphCrons were not ready within {lead.total_seconds():.0f} s")

    def _strike(self, pool: ThreadPoolExecutor) -> None:
        """All strikes, at their moments, and a line on how far things are every ten seconds."""
        begin = self.crons[0].times[0]
        seconds = (minutes_of(self.firings) - 1) * 60 + TAIL_SECONDS
        ahead = 5.0  # some strike a moment before the minute turns
        planned = strikes(self.faults, self.world.seed, seconds + ahead)
        self.world.say(f"{len(planned)} strikes in {seconds + ahead:.0f} s")
        report_at, running = 0.0, []
        for strike in [*planned, None]:
            at = strike.at if strike else seconds + ahead
            while (now := (datetime.now(UTC) - begin).total_seconds() + ahead) < at:
                if now >= report_at:
                    self._report()
                    report_at = now + 10
                time.sleep(min(1.0, max(0.0, at - now)))
            if strike:
                running.append(pool.submit(self._act, strike))
        for future in running:
            future.result()

    def _act(self, strike: Strike) -> None:
        name = strike.fault.name
        lasts = f" for {strike.seconds:.0f} s" if strike.seconds else ""
        try:
            self.world.say(f"  {name}{lasts}")
            whom = act(self.world, strike)
        except (NoVictim, TookTooLong, OSError, ClusterError) as error:
            self.result.missed[name] += 1
            self.world.say(f"  {name}: not struck: {error}")
        else:
            self.result.struck[name] += 1
            self.world.say(f"  {name} over: {whom}")

    def _report(self) -> None:
        now = datetime.now(UTC)
        due = sum(time <= now for cron in self.crons for time in cron.times)
        line = f"due {due}/{self.firings_due}"
        with suppress(OSError, ClusterError, TypeError):
            line += f", runs {len(self.world.agent('GET', '/chaos/ledger'))}"
            line += f", recorded {firings_recorded(self.world.graphcrons())}"
            line += f", pods {len(self.world.pods(RUN_PODS))}"
        self.world.say(line)

    def _supervise(self) -> None:
        while not self._over.wait(3):
            with suppress(OSError, ClusterError):
                if started := self.world.supervise():
                    self.world.say(f"  ended by itself, and was started again: {', '.join(started)}")

    def _mend(self) -> None:
        """Whatever strikes left: nothing, unless one of them failed."""
        self.world.held.clear()
        self.world.supervise()
        disarm(self.world)
        if self.world.has_node:
            accept_requests(self.world)
        self.world.say("all strikes are over")

    def _wait(self) -> None:
        """Until each firing's outcome is recorded and nothing runs any more, or the time is up."""
        began = time.monotonic()
        report_at = began + 10

        def recorded() -> bool:
            nonlocal report_at
            if time.monotonic() > report_at:
                self._report()
                report_at = time.monotonic() + 10
            with suppress(OSError, ClusterError):
                found = self.world.graphcrons()
                active = any(one.get("status", {}).get("active") for one in found)
                return firings_recorded(found) >= self.firings_due and not active
            return False

        with suppress(TookTooLong):  # the verdict names what is missing
            wait_for("all outcomes", recorded, RECORDED_SECONDS, 1)
        self.result.recorded_seconds = time.monotonic() - began

    def _judge(self) -> None:
        world, result = self.world, self.result
        graphcrons = world.graphcrons()
        statuses = {found["metadata"]["name"]: found.get("status", {}) for found in graphcrons}
        jobs = world.objects("apis/batch/v1/jobs", RUN_PODS)
        ledger = world.agent("GET", "/chaos/ledger")
        self._keep(ledger=ledger, graphcrons=graphcrons, jobs=jobs, pods=world.objects("api/v1/pods"))
        result.verdict = verdict(self.names, statuses, jobs, ledger)
        wrong = result.verdict.wrong
        wrong += [f"GraphCron {name} is in no plan" for name in statuses.keys() - self.names.keys()]
        wrong += [f"pod {name}" for name in self._stuck()]
        wrong += world.unready()
        self._clean_up(wrong)
        threads = world.agent("GET", "/chaos/threads")
        self._keep(threads=threads)
        wrong += left_behind(threads, self.crons, self.threads.values())
        if wrong:
            world.keep_logs()

    def _stuck(self) -> Iterable[str]:
        for pod in self.world.objects("api/v1/pods", RUN_PODS):
            phase = pod["status"].get("phase")
            if phase not in ("Succeeded", "Failed") or "deletionTimestamp" in pod["metadata"]:
                yield f"{pod['metadata']['name']} is {phase}: kubectl -n {NAMESPACE} describe pod"

    def _clean_up(self, wrong: list[str]) -> None:
        """What deleting the GraphCrons leaves behind, and after how long."""
        world, began = self.world, time.monotonic()
        world.session.kubectl("delete", "graphcrons", "--all", "--wait=false")
        left: list[str] = []

        def gone() -> bool:
            left[:] = [
                f"{kind.rpartition('/')[2]} {found['metadata']['name']}"
                for kind in ("apis/graphcron.dev/v1/graphcrons", "apis/batch/v1/cronjobs", "apis/batch/v1/jobs")
                for found in world.objects(kind)
            ] + [f"pods {found['metadata']['name']}" for found in world.objects("api/v1/pods", RUN_PODS)]
            return not left

        try:
            wait_for("the end of all objects", gone, GONE_SECONDS)
        except TookTooLong:
            wrong += [f"left behind: {name}" for name in left]
        self.result.gone_seconds = time.monotonic() - began

    def _keep(self, **what: Any) -> None:
        for name, content in what.items():
            (self.world.folder / f"{name}.json").write_text(json.dumps(content, indent=1))


def firings_recorded(graphcrons: Iterable[Json]) -> int:
    """How many the statuses count, whatever their outcomes."""
    return sum(sum(found.get("status", {}).get("firings", {}).values()) for found in graphcrons)


def new_folder() -> Path:
    """`.build/chaos`, without what the last run left there."""
    folder = HERE.build / "chaos"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
