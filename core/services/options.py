"""What an engine is started with, and where it keeps its things."""

from __future__ import annotations

import argparse
import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import platformdirs

from core.model.enums import Mode


def default_data_dir() -> Path:
    """The user's folder for journals, workspaces and records."""
    return Path(platformdirs.user_data_dir("outcry", appauthor=False))


def _new_session() -> str:
    return datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """One engine: its market, its folder, its endpoint.

    Attributes:
        data_dir: the folder of all engines of this user.
        endpoint: where to listen; empty for the usual place.
        config: settings file; None for ``engine.toml`` of the data folder, else the defaults.
        seed, instruments: of the simulated market.
        rate: how often a second somebody acts on it, over all instruments; None for the usual.
        replay: a recording to play instead, at `speed`, from `start` (UTC ns) on.
        record: write all market data to this file.
        core: processor to run on; -1 leaves it to the system.
        parent: process id of the terminal that started it; 0 when alone.
        session: name of this run of a replay; each run has a journal of its own.
    """

    data_dir: Path = field(default_factory=default_data_dir)
    endpoint: str = ""
    config: Path | None = None
    seed: int = 1
    instruments: int | None = None
    rate: float | None = None
    replay: Path | None = None
    speed: float = 1.0
    start: int | None = None
    record: Path | None = None
    core: int = -1
    parent: int = 0
    session: str = field(default_factory=_new_session)

    @property
    def mode(self) -> Mode:
        """What the money is."""
        return Mode.PAPER if self.replay is None else Mode.REPLAY

    @property
    def market(self) -> str:
        """Name of the market, and of the folder that holds its journal."""
        if self.replay is not None:
            mark = hashlib.sha256(str(self.replay.resolve()).encode()).hexdigest()[:8]
            return f"replay-{self.replay.name.split('.')[0]}-{mark}-{self.session}"
        if self.seed == 1 and self.instruments is None:
            return "paper"
        return f"paper-{self.seed}-{self.instruments or 'all'}"

    @property
    def home(self) -> Path:
        """The folder of this engine alone: journal, log, and how to reach it."""
        return self.data_dir / "engines" / self.market

    def arguments(self) -> list[str]:
        """The words that give a child process these options."""
        words = ["--data-dir", str(self.data_dir), "--seed", str(self.seed)]
        words += ["--speed", repr(self.speed), "--session", self.session]
        words += ["--core", str(self.core), "--parent", str(self.parent)]
        for name in ("endpoint", "config", "instruments", "rate", "replay", "start", "record"):
            value = getattr(self, name)
            if value not in (None, ""):
                words += [f"--{name}", str(value)]
        return words


def parse_options(words: list[str]) -> EngineOptions:
    """The inverse of `EngineOptions.arguments`."""
    parser = argparse.ArgumentParser(prog="outcry-engine")
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--endpoint", default="")
    parser.add_argument("--session")
    for name in ("config", "replay", "record"):
        parser.add_argument(f"--{name}", type=Path)
    for name in ("seed", "instruments", "start", "core", "parent"):
        parser.add_argument(f"--{name}", type=int)
    for name in ("speed", "rate"):
        parser.add_argument(f"--{name}", type=float)
    return from_namespace(parser.parse_args(words))


def from_namespace(options: argparse.Namespace) -> EngineOptions:
    """Options from a parsed command line; what is missing or None keeps its default."""
    names = EngineOptions.__dataclass_fields__
    given = {n: v for n, v in vars(options).items() if n in names and v is not None}
    return EngineOptions(**given)
