"""The work queue: each key at one worker at a time, nothing lost, failures retried without holding up the rest."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from graphcron.operator.work_queue import WorkQueue


@asynccontextmanager
async def running(
    queue: WorkQueue[str], work: Callable[[str], Awaitable[None]], workers: int = 4
) -> AsyncIterator[None]:
    task = asyncio.create_task(queue.run(work, workers))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - the queue announces nothing; each turn of the loop is one step of it
            await asyncio.sleep(0)


async def test_many_requests_of_a_waiting_key_are_one() -> None:
    queue, done = WorkQueue[str](), []

    async def work(key: str) -> None:
        done.append(key)

    for _ in range(100):
        queue.add("a")
    queue.add("b")
    async with running(queue, work):
        await until(lambda: len(done) >= 2 and not len(queue))
    assert sorted(done) == ["a", "b"]


async def test_a_key_asked_for_while_it_is_worked_on_comes_again_and_never_twice_at_once() -> None:
    queue, at_work, most, done = WorkQueue[str](), 0, 0, 0
    go_on = asyncio.Event()

    async def work(key: str) -> None:
        nonlocal at_work, most, done
        at_work += 1
        most = max(most, at_work)
        await go_on.wait()
        at_work -= 1
        done += 1

    queue.add("a")
    async with running(queue, work):
        await until(lambda: at_work == 1)
        queue.add("a")
        queue.add("a")
        go_on.set()
        await until(lambda: done == 2)
    assert most == 1


async def test_a_failing_key_is_retried_and_the_others_go_on() -> None:
    queue, tried, done = WorkQueue[str](), 0, []

    async def work(key: str) -> None:
        nonlocal tried
        if key == "bad":
            tried += 1
            if tried < 3:
                raise RuntimeError("not yet")
        done.append(key)

    queue.add("bad")
    for number in range(50):
        queue.add(f"good-{number}")
    async with running(queue, work, workers=1):
        await until(lambda: len(done) == 51)
    assert done[-1] == "bad"
    assert tried == 3


async def test_of_two_later_times_the_earlier_counts_and_the_key_comes_once() -> None:
    now, done = 100.0, []
    queue = WorkQueue[str](clock=lambda: now)

    async def work(key: str) -> None:
        done.append(key)

    queue.add_after("a", 0.0)
    queue.add_after("a", 3600)
    queue.add_after("b", 3600)
    async with running(queue, work):
        await until(lambda: done == ["a"])
        now = 200.0
        queue.add_after("c", 0.0)
        await until(lambda: done == ["a", "c"])


async def test_an_earlier_time_replaces_a_later_one() -> None:
    now, done = 100.0, []
    queue = WorkQueue[str](clock=lambda: now)

    async def work(key: str) -> None:
        done.append(key)

    queue.add_after("a", 3600)
    async with running(queue, work):
        queue.add_after("a", 0.0)
        await until(lambda: done == ["a"])


async def test_keys_that_wait_for_nothing_let_others_go_on() -> None:
    """Thousands of them follow a start, and the Lease has to be renewed meanwhile."""
    queue, done, others = WorkQueue[str](), [], 0

    async def work(key: str) -> None:
        done.append(key)

    for number in range(1000):
        queue.add(str(number))
    async with running(queue, work):
        while len(done) < 1000:
            await asyncio.sleep(0)
            others += 1
    assert others >= 200


async def test_it_ends_though_a_later_time_comes_in_at_that_moment() -> None:
    """Python 3.11's `wait_for` forgets that it was cancelled when what it waits for has happened too. An operator that
    was told to stop while it had much to do went on for ever."""
    queue = WorkQueue[str]()

    async def work(_: str) -> None:
        pass

    task = asyncio.create_task(queue.run(work, 1))
    queue.add_after("a", 1000.0)
    for _ in range(10):
        await asyncio.sleep(0)  # it waits for the time that comes first
    queue.add_after("b", 900.0)
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=10)
    assert done
