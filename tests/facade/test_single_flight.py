"""Single flight: which calls share a request, and which do not."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from graphcron.facade.single_flight import SingleFlight


class Oracle:
    """Answers with the number of the question, when it is let."""

    def __init__(self) -> None:
        self.asked = 0
        self.may_answer = asyncio.Event()
        self.fails = False

    async def __call__(self) -> int:
        self.asked += 1
        number = self.asked
        await self.may_answer.wait()
        if self.fails:
            raise OSError(f"no answer to question {number}")
        return number


async def began(*asking: Awaitable[int]) -> list[asyncio.Task[int]]:
    tasks = [asyncio.ensure_future(one) for one in asking]
    for _ in range(5):  # turns of the loop, not time
        await asyncio.sleep(0)
    return tasks


@pytest.fixture
async def oracle() -> Oracle:
    return Oracle()


Ask = Callable[[], Awaitable[int]]


@pytest.fixture
async def ask(oracle: Oracle) -> Ask:
    shared = SingleFlight[int]()
    return lambda: shared.run("it", oracle)


async def test_who_comes_while_a_question_is_under_way_gets_the_next_answer(oracle: Oracle, ask: Ask) -> None:
    first = await began(ask())
    later = await began(ask(), ask(), ask())
    assert oracle.asked == 1
    oracle.may_answer.set()
    assert await asyncio.gather(*first, *later) == [1, 2, 2, 2]
    assert await ask() == 3


async def test_an_error_is_told_to_all_who_asked_and_to_nobody_later(oracle: Oracle, ask: Ask) -> None:
    oracle.fails = True
    asking = await began(ask(), ask())
    oracle.may_answer.set()
    for one in asking:
        with pytest.raises(OSError, match="question 1"):
            await one
    oracle.fails = False
    assert await ask() == 2


async def test_who_leaves_takes_the_answer_from_nobody(oracle: Oracle, ask: Ask) -> None:
    leaves, stays = await began(ask(), ask())
    leaves.cancel()
    oracle.may_answer.set()
    assert await stays == 1
    assert leaves.cancelled()


async def test_other_questions_do_not_wait(oracle: Oracle) -> None:
    shared = SingleFlight[int]()
    (one,) = await began(shared.run("one", oracle))
    (other,) = await began(shared.run("other", oracle))
    assert oracle.asked == 2
    oracle.may_answer.set()
    assert {await one, await other} == {1, 2}
