"""Finding symbols, reading lists of them, keeping lists."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from core.model.instruments import Instrument
from widgets.watchlist.lists import ALL, Lists
from widgets.watchlist.symbols import read_symbols, score, search

NAMES = ("BTC-USD", "ETH-USD", "ETHW-USD", "ACME", "W500-F", "SOL-USD")
ALL_OF_THEM = [
    Instrument(f"{name}.{venue}", name, venue, Decimal(1), Decimal(1), "USD")
    for name in NAMES
    for venue in ("ALPHA", "BETA")
]


@given(st.text(min_size=1, max_size=6), st.text(max_size=15))
def test_a_match_has_all_letters_in_order(query, text):
    rest = iter(text.casefold())
    in_order = all(letter in rest for letter in query.casefold())
    assert (score(query, text) is not None) == in_order


@given(
    st.text("ab-", min_size=1, max_size=4), st.text("ab-", max_size=6), st.text("ab-", max_size=6)
)
def test_a_text_that_begins_so_beats_one_that_only_holds_it(query, before, after):
    begins = score(query, query + after)
    holds = score(query, "z" + before + query + after)
    assert begins is not None
    assert holds is not None
    assert begins < holds


def test_the_best_match_is_first():
    assert [i.id for i in search("eth", ALL_OF_THEM, 2)] == ["ETH-USD.ALPHA", "ETH-USD.BETA"]
    assert search("eth-usd.beta", ALL_OF_THEM)[0].id == "ETH-USD.BETA"
    assert search("w5", ALL_OF_THEM)[0].symbol == "W500-F"
    assert search("slus", ALL_OF_THEM)[0].symbol == "SOL-USD"
    assert search("qqq", ALL_OF_THEM) == []


def test_csv_with_header_comments_and_unknown_names():
    text = 'symbol,qty\n# mine\nBTC-USD.BETA,5\n\nNOPE,1\n"ACME",2\nBTC-USD.BETA,7\n'
    ids, problems = read_symbols(text, ALL_OF_THEM)
    assert ids == ["BTC-USD.BETA", "ACME.ALPHA", "ACME.BETA"]
    assert problems == ["Line 5: “NOPE,1” names no known symbol."]


def test_words_in_a_row_are_taken_each():
    ids, problems = read_symbols("sol-usd.alpha; eth-usd.beta\tACME.ALPHA", ALL_OF_THEM)
    assert ids == ["SOL-USD.ALPHA", "ETH-USD.BETA", "ACME.ALPHA"]
    assert problems == []


@given(st.text(max_size=200))
def test_any_text_is_read_without_harm(text):
    ids, problems = read_symbols(text, ALL_OF_THEM)
    assert len(ids) == len(set(ids))
    assert all(problem.startswith("Line ") for problem in problems)


def test_the_first_list_holds_everything_in_the_order_chosen():
    lists = Lists()
    lists.set_ids(["b", "gone", "a"])
    assert lists.ids(["a", "b", "c"]) == ["b", "a", "c"]


def test_lists_come_back_as_they_were():
    lists = Lists()
    lists.current = lists.add("Crypto")
    lists.set_ids(["x", "y", "x"])
    lists.add("Crypto")
    other = Lists()
    other.restore(lists.save())
    assert other.names == [ALL, "Crypto", "Crypto 2"]
    assert other.current == 1
    assert other.ids([]) == ["x", "y"]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(["lists", "current", "name", "ids"]), inner, max_size=4
            )
        ),
        max_leaves=15,
    )
)
def test_damaged_state_is_survived(state):
    lists = Lists()
    lists.restore(state if isinstance(state, dict) else {"lists": state})
    assert lists.names[0] == ALL
    assert 0 <= lists.current < len(lists.names)
    lists.ids(["a"])
