"""Finding a strategy's class: one that comes with the program, or one in a trader's own file."""

from __future__ import annotations

import importlib.util
import traceback
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType

from core.strategy.api import Strategy, StrategyError
from core.strategy.builtin.crossover import Crossover
from core.strategy.builtin.quoter import Quoter
from core.strategy.builtin.reversion import VwapReversion

BUILTIN: dict[str, type[Strategy]] = {
    "crossover": Crossover,
    "vwap_reversion": VwapReversion,
    "quoter": Quoter,
}


class _AsItIs(SourceFileLoader):
    """Runs a file as it is now: bytecode beside it would be believed when an edit left second and
    size the same."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


def find_strategy(kind: str, folder: Path) -> type[Strategy]:
    """The class that `kind` names: ``crossover``, or ``my_file.py:MyClass`` in `folder`.

    A trader's file is run: it may do what the trader may do. It is looked for in `folder` only.

    Raises:
        StrategyError: with a sentence, when there is no such class or the file does not load.
    """
    if kind in BUILTIN:
        return BUILTIN[kind]
    file, colon, name = kind.partition(":")
    if not colon or not file.endswith(".py") or Path(file).name != file:
        raise StrategyError(
            f"“{kind}” is no strategy. Built in are {', '.join(BUILTIN)}; your own is written "
            f"file.py:ClassName and lies in {folder}."
        )
    path = folder / file
    module_name = f"outcry_strategy_{path.stem}"
    loader = _AsItIs(module_name, str(path))
    spec = importlib.util.spec_from_file_location(module_name, path, loader=loader)
    if spec is None or spec.loader is None or not path.is_file():
        raise StrategyError(f"{path} is not there; put the strategy's file into that folder.")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        where = Path(error.filename or file).name
        raise StrategyError(
            f"{file} does not load: {error.msg} ({where}, line {error.lineno})."
        ) from error
    except (Exception, SystemExit) as error:
        raise StrategyError(
            f"{file} does not load: {type(error).__name__}: {error}{place(error, folder)}."
        ) from error
    found = getattr(module, name, None)
    if not (isinstance(found, type) and issubclass(found, Strategy)):
        raise StrategyError(f"{path} has no class {name} that is a core.strategy.api.Strategy.")
    return found


def place(error: BaseException, folder: Path) -> str:
    """Where an error arose, for a sentence: in the trader's own file if it came by there.

    For instance `` (mine.py, line 12)``; empty when nothing is known.
    """
    steps = traceback.extract_tb(error.__traceback__)
    found = [step for step in steps if Path(step.filename).parent == folder] or list(steps)
    return f" ({Path(found[-1].filename).name}, line {found[-1].lineno})" if found else ""
