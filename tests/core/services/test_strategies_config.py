"""What the settings may say of strategies."""

from __future__ import annotations

import pytest

from core.services.config import ConfigError, parse_config

ACCOUNT = '[[accounts]]\nid = "PAPER-1"\n'
ROW = '[[strategies]]\nname = "%s"\nkind = "quoter"\ninstrument = "ABC.V"\naccount = "%s"\n'


def test_names_and_accounts() -> None:
    config = parse_config(ACCOUNT + ROW % ("one", "PAPER-1") + ROW % ("My 2nd", "PAPER-1"), "f")
    assert [(s.name, s.start) for s in config.strategies] == [("one", "off"), ("My 2nd", "off")]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (ROW % ("one", "PAPER-1") * 2, "line 9: strategies[1].name: “one” is there twice"),
        (ROW % ("one", "LIVE"), "strategies[0].account: “LIVE” is no account. Use one of: PAPER-1"),
        (ROW % ("one", "PAPER"), "“PAPER” is no account. Did you mean “PAPER-1”?"),
        (ROW % ("../one", "PAPER-1"), "strategies[0].name"),
        (ROW % ("a|b", "PAPER-1"), "strategies[0].name"),
        (ROW % ("", "PAPER-1"), "strategies[0].name"),
        (ROW % ("one", "PAPER-1") + 'start = "auto"\n', "strategies[0].start"),
    ],
)
def test_what_is_wrong_is_named(text: str, place: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(ACCOUNT + text, "f.toml")
    assert place in str(caught.value)
