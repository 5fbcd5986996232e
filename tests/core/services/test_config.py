from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from core.services.config import ConfigError, load_config, parse_config
from tests.core.services.helpers import instrument

ACCOUNT = '[[accounts]]\nid = "A"\n'


def test_the_defaults_are_whole(tmp_path: Path) -> None:
    config = load_config(None, tmp_path)
    assert config.accounts[0].id == "PAPER-1"
    assert config.accounts[0].cash["USD"] == Decimal(1_000_000)
    setup = config.setup((instrument(),))
    assert {limit.name for limit in setup.limits} >= {"max_order_notional", "daily_loss"}
    assert setup.accounts[0].id == "PAPER-1"


def test_a_file_in_the_data_folder_is_used_and_one_that_is_named_before_it(tmp_path: Path) -> None:
    (tmp_path / "engine.toml").write_text(ACCOUNT.replace('"A"', '"MINE"'))
    assert load_config(None, tmp_path).accounts[0].id == "MINE"
    named = tmp_path / "other.toml"
    named.write_text(ACCOUNT.replace('"A"', '"OTHER"'))
    assert load_config(named, tmp_path).accounts[0].id == "OTHER"


def test_how_an_account_counts_positions() -> None:
    text = ACCOUNT + ACCOUNT.replace('"A"', '"B"') + 'positions = "hedging"\n'
    setup = parse_config(text, "f").setup(())
    assert [(a.id, a.hedging) for a in setup.accounts] == [("A", False), ("B", True)]


def test_money_is_exact() -> None:
    text = ACCOUNT + '[accounts.cash]\nUSD = 0.1\nEUR = "12345678901234567890.12"\n'
    cash = parse_config(text, "f").accounts[0].cash
    assert cash == {"USD": Decimal("0.1"), "EUR": Decimal("12345678901234567890.12")}


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("accounts = [", "f.toml", "not TOML"),
        ("", "f.toml: the file", "“accounts” is missing. Add it."),
        (ACCOUNT + "[[limits]]\nname = 'max_short'", "line 3: limits[0]", "“value” is missing"),
        ("accounts = []", "accounts", "length >= 1"),
        ("[[accounts]]\nid = 5\n", "accounts[0].id", "Expected `str`"),
        ("[[accounts]]\nid = ''\n", "accounts[0].id", "length >= 1"),
        (ACCOUNT + ACCOUNT, "line 4: accounts[1].id", "there twice"),
        (ACCOUNT + "cash = { USD = 'x' }", "accounts[0].cash", "Invalid decimal"),
        (ACCOUNT + "cash = { USD = inf }", "accounts[0].cash.USD", "Infinity"),
        (ACCOUNT + "positions = 'both'", "line 3: accounts[0].positions", "netting"),
        (ACCOUNT + "positions = 5", "accounts[0].positions", "Expected `str`"),
        (ACCOUNT + "colour = 1", "line 3: accounts[0].colour", "Use one of: id, cash, positions."),
        (ACCOUNT + "postions = 'netting'", "line 3: accounts[0].postions", "mean “positions”?"),
        (ACCOUNT + "[rsk]\ncurrency = 'USD'", "line 3: rsk: there is no such", "mean “risk”?"),
        (
            "# mine\n\nloosen_dely = 5\n" + ACCOUNT,
            "f.toml, line 3: loosen_dely: there is no such field",
            "Did you mean “loosen_delay”?",
        ),
        (
            ACCOUNT + "[[risk.margins]]\naccount = 'A'\nmodel = 'reg_t'\n[[risk.margins]]\n"
            "account = 'A'\nmodel = 'perpetual'\n[[risk.margins.perpetuals]]\n"
            "instrument = 'X.Y'\nbrackets = []\nleverge = 3\n",
            "line 12: risk.margins[1].perpetuals[0].leverge",
            "mean “leverage”?",
        ),
        (
            ACCOUNT + "[[risk.margins]]\naccount = 'A'\nmodel = 'scan'\nproducts = [\n"
            "  { underlying = 'ES', price_scn = 2 },\n]\n",
            "line 6: risk.margins[0].products[0].price_scn",
            "mean “price_scan”?",
        ),
        (ACCOUNT + "[[limits]]\nname = 'speed'\nvalue = 5", "limits[0].name", "no limit"),
        (
            ACCOUNT + "[[limits]]\nname = 'max_possition'\nvalue = 5",
            "line 4: limits[0].name",
            "Did you mean “max_position”?",
        ),
        (
            ACCOUNT + "[[limits]]\nname = 'max_exposure'\nvalue = -5",
            "limits[0].value",
            "number from 0",
        ),
        (
            ACCOUNT + "[[limits]]\nname = 'max_exposure'\nvalue = nan",
            "limits[0].value",
            "number from 0",
        ),
        (
            ACCOUNT + "[[limits]]\nname = 'max_exposure'\nvalue = 5\nscope = 'world'",
            "line 6: limits[0].scope: “world” is not possible",
            "Use one of: account,",
        ),
        (
            "durability = 'hope'\n" + ACCOUNT,
            "line 1: durability",
            "“hope” is not possible. Use one of: p",
        ),
        ("snapshot_every = 1\n" + ACCOUNT, "snapshot_every", ">= 1000"),
    ],
)
def test_a_wrong_file_is_refused_as_a_whole(text: str, place: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(text, "f.toml")
    assert str(caught.value).startswith("f.toml")
    assert place in str(caught.value)
    assert words in str(caught.value)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"missing\.toml cannot be read"):
        load_config(tmp_path / "missing.toml", tmp_path)
    (tmp_path / "engine.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(None, tmp_path)
