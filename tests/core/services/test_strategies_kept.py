"""Parameters that were set on the screen, after another start of the engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.model.commands import Kill
from core.model.enums import Severity
from core.services.config import StrategyConfig
from core.services.strategy_kept import FILE_NAME, KeptParams
from tests.core.services.helpers import IDS
from tests.core.services.strategy_rig import ADVISE, BUYER, OFF, Rig, go

SIZED = """
from core.strategy.api import Params, Strategy

class MineParams(Params, frozen=True):
    size: int = 3

class Mine(Strategy):
    Params = MineParams
    def on_start(self):
        self.buy(self.params.size, 9_900)
"""


def slow(source: str, gate: Path) -> str:
    """The same, whose file loads only once there is a file `gate`."""
    lines = ("import pathlib, time", f"while not pathlib.Path({str(gate)!r}).exists():")
    return "\n".join((*lines, "    time.sleep(0.01)", source))


def said(r: Rig, words: str) -> bool:
    return words in r.notices()


def test_a_traders_own_strategy_begins_with_what_was_set(tmp_path: Path) -> None:
    async def test() -> None:
        async with Rig(tmp_path, {"mine": SIZED}) as r:
            await r.wait(lambda: r.row("mine").params == {"size": "3"}, "what it takes")
            r.set_params("mine", size="4")
            await r.wait(lambda: r.row("mine").params == {"size": "4"}, "taken")
        async with Rig(tmp_path, {"mine": SIZED}, start="advise") as r:
            await r.wait(lambda: [d.order.qty for d in r.open_drafts()] == [4], "it is used")
            assert r.row("mine").mode is ADVISE

    go(test())


def test_what_does_not_fit_any_more_keeps_it_off_and_can_be_set_anew(tmp_path: Path) -> None:
    async def test() -> None:
        async with Rig(tmp_path, {"mine": SIZED}) as r:
            r.set_params("mine", size="4")
            await r.wait(lambda: r.row("mine").params == {"size": "4"}, "taken")
        other = SIZED.replace("size", "lots")
        async with Rig(tmp_path, {"mine": other}, start="advise") as r:
            await r.wait(lambda: "could not be taken up" in r.row("mine").last_error, "it is said")
            assert "size" in r.row("mine").last_error
            assert r.row("mine").mode is OFF
            assert r.hosts() == []
            r.set_params("mine", lots="5")
            await r.wait(lambda: r.row("mine").params == {"lots": "5"}, "taken")
            assert r.row("mine").last_error == ""
        async with Rig(tmp_path, {"mine": other}) as r:
            await r.wait(lambda: r.row("mine").params == {"lots": "5"}, "the newest is kept")

    go(test())


def test_an_engine_that_ends_before_it_could_look_forgets_nothing(tmp_path: Path) -> None:
    async def test() -> None:
        async with Rig(tmp_path, {"mine": SIZED}) as r:
            r.set_params("mine", size="4")
            await r.wait(lambda: r.row("mine").params == {"size": "4"}, "taken")
        async with Rig(tmp_path, {"mine": SIZED}):
            pass
        async with Rig(tmp_path, {"mine": SIZED}) as r:
            await r.wait(lambda: said(r, "those set on the screen"), "it looked")
            assert r.row("mine").params == {"size": "4"}

    go(test())


def test_another_kind_has_its_own_parameters(tmp_path: Path) -> None:
    def row(kind: str) -> tuple[StrategyConfig, ...]:
        return (StrategyConfig("one", kind, "ABC.V", "PAPER-1"),)

    async def test() -> None:
        async with Rig(tmp_path, {}, more=row("crossover")) as r:
            before = r.row("one").params["fast"]
            r.set_params("one", fast="7")
            await r.wait(lambda: r.row("one").params["fast"] == "7", "taken")
        async with Rig(tmp_path, {}, more=row("quoter")) as r:
            assert "fast" not in r.row("one").params
            assert said(r, "The settings have changed it")
        async with Rig(tmp_path, {}, more=row("crossover")) as r:
            assert r.row("one").params["fast"] == before, "what was dropped does not come back"

    go(test())


def test_a_kill_holds_for_one_whose_parameters_were_set(tmp_path: Path) -> None:
    more = (StrategyConfig("one", "crossover", "ABC.V", "PAPER-1", start="advise"),)

    async def test() -> None:
        async with Rig(tmp_path, {}, more=more) as r:
            r.turn("one", OFF)
            r.set_params("one", fast="7")
            await r.wait(lambda: r.row("one").params["fast"] == "7", "taken")
            r.send(Kill(IDS.next(), 1, "PAPER-1"))
            await r.wait(lambda: not r.client.stores.can_trade("PAPER-1")[0], "killed")
        async with Rig(tmp_path, {}, more=more) as r:
            assert r.row("one").params["fast"] == "7"
            assert r.row("one").mode is OFF
            assert "is not active" in r.row("one").last_error

    go(test())


@pytest.mark.parametrize(("scope", "name"), [("strategy", "one"), ("venue", "V")])
def test_a_kill_of_less_than_the_account_holds_after_a_restart(
    tmp_path: Path, scope: str, name: str
) -> None:
    more = (StrategyConfig("one", "crossover", "ABC.V", "PAPER-1", start="advise"),)

    async def test() -> None:
        async with Rig(tmp_path, {}, more=more) as r:
            await r.wait(lambda: r.row("one").mode is ADVISE, "it begins")
            r.send(Kill(IDS.next(), 1, scope=scope, scope_id=name))
            await r.wait(lambda: r.row("one").mode is OFF, "killed")
        async with Rig(tmp_path, {}, more=more) as r:
            assert r.row("one").mode is OFF
            assert r.row("one").last_error == f"It stays off: {scope} {name} is not active."

    go(test())


def test_who_is_stopped_while_the_engine_looks_at_what_was_set_stays_off(tmp_path: Path) -> None:
    gate = tmp_path / "open"

    async def test() -> None:
        async with Rig(tmp_path, {"mine": SIZED, "other": SIZED}) as r:
            for name in ("mine", "other"):
                r.set_params(name, size="4")
            await r.wait(lambda: r.row("other").params == {"size": "4"}, "taken")
            await r.wait(lambda: r.row("mine").params == {"size": "4"}, "taken")
        sources = {name: slow(SIZED, gate) for name in ("mine", "other")}
        async with Rig(tmp_path, sources, start="advise") as r:
            r.send(Kill(IDS.next(), 1, scope="strategy", scope_id="mine"))
            r.turn("other", OFF)
            killed = "Stopped by the kill switch."
            await r.wait(lambda: r.row("mine").last_error == killed, "killed")
            gate.touch()
            await r.wait(lambda: r.notices().count("those set on the screen") == 2, "it looked")
            await r.quiet()
            assert [r.row(name).mode for name in sources] == [OFF, OFF]
            assert r.hosts() == []
            assert r.row("mine").last_error == killed
            assert r.row("mine").params == {"size": "4"}

    go(test())


def test_who_sets_others_while_the_engine_looks_has_both(tmp_path: Path) -> None:
    two = SIZED.replace("size: int = 3", "size: int = 3\n    more: int = 0")
    gate = tmp_path / "open"

    async def test() -> None:
        async with Rig(tmp_path, {"mine": two}) as r:
            r.set_params("mine", size="4")
            await r.wait(lambda: r.row("mine").params.get("size") == "4", "taken")
        async with Rig(tmp_path, {"mine": slow(two, gate)}) as r:
            bad = r.set_params("mine", nothing="5")
            gate.touch()
            await r.wait(lambda: r.refused(bad) == "BAD_PARAMETERS", "refused")
            assert r.row("mine").params["size"] == "4", "what was kept is not lost by that"
            r.set_params("mine", more="5")
            await r.wait(lambda: r.row("mine").params == {"size": "4", "more": "5"}, "both")

    go(test())


def test_what_was_set_back_to_the_settings_is_nothing_to_tell(tmp_path: Path) -> None:
    more = (StrategyConfig("one", "crossover", "ABC.V", "PAPER-1"),)

    async def test() -> None:
        async with Rig(tmp_path, {}, more=more) as r:
            before = r.row("one").params["fast"]
            for fast in ("7", before):
                r.set_params("one", fast=fast)
                await r.wait(lambda fast=fast: r.row("one").params["fast"] == fast, "taken")
        async with Rig(tmp_path, {}, more=more) as r:
            await r.quiet()
            assert not said(r, "those set on the screen")

    go(test())


@pytest.mark.parametrize(
    "damage", [b'{"one": 5}', b"", b"\0\0\0\0", b'{"\xff": 1}', b'{"one":' * 5_000]
)
def test_a_file_that_cannot_be_used_is_said_and_the_settings_count(
    tmp_path: Path, damage: bytes
) -> None:
    told: list[tuple[str, Severity, str]] = []

    def say(name: str, severity: Severity, text: str) -> None:
        told.append((name, severity, text))

    config = StrategyConfig("one", "crossover", "ABC.V", "PAPER-1")
    file = tmp_path / FILE_NAME
    file.write_bytes(damage)
    assert KeptParams(tmp_path, say).of(config) is None
    ((name, severity, text),) = told
    assert (name, severity) == ("", Severity.WARNING)
    assert str(file) in text
    assert "those of the settings count" in text

    file.unlink()
    file.mkdir()
    (file / "in the way").touch()
    told.clear()
    kept = KeptParams(tmp_path, say)
    kept.keep(config, {"fast": "7"})
    assert [severity for _, severity, _ in told] == [Severity.WARNING] * 2
    assert told[1][0] == "one"
    assert "hold until the engine ends" in told[1][2]
    assert kept.of(config) == {"fast": "7"}


def test_strategies_that_nobody_touched_need_no_file(tmp_path: Path) -> None:
    async def test() -> None:
        async with Rig(tmp_path, {"mine": BUYER}) as r:
            await r.quiet()
            assert not (r.engine.home / FILE_NAME).exists()

    go(test())
