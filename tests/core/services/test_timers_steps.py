"""Long work of a timer is done in steps, so that nothing on the loop waits for all of it."""

from __future__ import annotations

import asyncio
from collections.abc import Generator

from core.services.timers import Every, batched


async def _until(done: asyncio.Event) -> None:
    await asyncio.wait_for(done.wait(), 5.0)


def test_between_two_steps_the_loop_does_what_else_is_due() -> None:
    async def session() -> None:
        seen: list[str] = []
        twice = asyncio.Event()

        def work() -> Generator[None, None, None]:
            for step in range(3):
                seen.append(f"step {step}")
                loop.call_soon(seen.append, "order")
                yield
            if seen.count("step 0") == 2:
                twice.set()

        loop = asyncio.get_running_loop()
        timer = Every(0.001, work, lambda text, error: seen.append(text), "Working")
        timer.start()
        await _until(twice)
        timer.stop()
        assert seen[:6] == ["step 0", "order", "step 1", "order", "step 2", "order"]

    asyncio.run(session())


def test_a_step_that_fails_is_told_and_the_next_call_comes() -> None:
    async def session() -> None:
        told: list[str] = []
        again = asyncio.Event()

        def work() -> Generator[None, None, None]:
            yield
            if told:
                again.set()
            raise RuntimeError("boom")

        timer = Every(0.001, work, lambda text, error: told.append(f"{text} {error}"), "Working")
        timer.start()
        await _until(again)
        timer.stop()
        assert told[0] == "Working failed. boom"

    asyncio.run(session())


def test_what_is_left_when_it_is_stopped_stays_undone() -> None:
    async def session() -> None:
        steps: list[int] = []
        ended = asyncio.Event()

        def work() -> Generator[None, None, None]:
            try:
                steps.append(1)
                timer.stop()
                yield
                steps.append(2)
            finally:
                ended.set()

        timer = Every(0.001, work, lambda text, error: None, "Working")
        timer.start()
        await _until(ended)
        assert steps == [1]

    asyncio.run(session())


def test_batches_hold_everything_once_and_in_order() -> None:
    things = list(range(1, 1_001))
    found = list(batched(things))
    assert [each for some in found for each in some] == things
    assert max(map(len, found)) <= 50
    assert list(batched([])) == []
