from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widgets.expressions import Amount, ExpressionError, Scope, evaluate

HALF = Decimal("0.5")
MARKET = {"bid": Decimal("100.0"), "ask": Decimal("100.5"), "mid": Decimal("100.25")}
PRICE = Scope(HALF, MARKET, None, "100.5, bid+2t or mid")


def percent(number):
    return Decimal(8) * number / 100, "8 held"


QUANTITY = Scope(Decimal("0.01"), None, percent, "0.5, 1.5k or 25%")


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("100.5", 201),
        (" 1,000.50 ", 2001),
        ("1_000", 2000),
        ("bid", 200),
        ("BID+2t", 202),
        ("ask - 1t", 200),
        ("bid+0.5", 201),
        ("bid + 1t - 2t", 199),
        ("ask-bid", 1),
        ("1.5k", 3000),
        ("2m", 4_000_000),
        (".5", 1),
        ("+3", 6),
    ],
)
def test_prices(text, steps):
    assert evaluate(text, PRICE) == Amount(steps)


def test_what_is_computed_is_rounded_down_and_says_so():
    assert evaluate("mid", PRICE) == Amount(200, "rounded down to 100.0")
    assert evaluate("mid+1t", PRICE) == Amount(201, "rounded down to 100.5")


def test_quantities():
    assert evaluate("1.5k", QUANTITY) == Amount(150_000)
    assert evaluate("25%", QUANTITY) == Amount(200, "25 % of 8 held")
    assert evaluate("33%", QUANTITY) == Amount(264, "33 % of 8 held")
    assert evaluate("0.3%", QUANTITY) == Amount(2, "0.3 % of 8 held, rounded down to 0.02")


COMMA = (
    "“{}”: a comma or _ parts thousands, as in 1,000.5; write decimals behind a point: 100.5,"
    " bid+2t or mid."
)


@pytest.mark.parametrize(
    ("text", "scope", "sentence"),
    [
        ("", PRICE, "Empty; write 100.5, bid+2t or mid."),
        ("abc", PRICE, "“abc” is not known here; write 100.5, bid+2t or mid."),
        ("last", PRICE, "There is no last price now; type the price itself."),
        ("100.3", PRICE, "“100.3”: 100.3 is not a multiple of 0.5."),
        ("-5", PRICE, "“-5” is not above zero; write 100.5, bid+2t or mid."),
        ("bid-200t", PRICE, "“bid-200t” is not above zero; write 100.5, bid+2t or mid."),
        ("5 5", PRICE, "“5 5” is not an amount; write 100.5, bid+2t or mid."),
        ("bid+", PRICE, "“bid+” is not an amount; write 100.5, bid+2t or mid."),
        ("bid**2", PRICE, "“bid**2” is not an amount; write 100.5, bid+2t or mid."),
        ("1,5", PRICE, COMMA.format("1,5")),
        ("60,02.5", PRICE, COMMA.format("60,02.5")),
        ("bid+1,0", PRICE, COMMA.format("bid+1,0")),
        ("1_5", PRICE, COMMA.format("1_5")),
        ("1,000,", PRICE, COMMA.format("1,000,")),
        ("5%", PRICE, "“5%”: a percentage has no meaning in this field."),
        ("bid", QUANTITY, "“bid” is not known here; write 0.5, 1.5k or 25%."),
        ("0.005", QUANTITY, "“0.005”: 0.005 is not a multiple of 0.01."),
        ("0.05%", QUANTITY, "“0.05%” is not above zero; write 0.5, 1.5k or 25%."),
    ],
)
def test_a_sentence_names_the_text_and_the_remedy(text, scope, sentence):
    with pytest.raises(ExpressionError) as raised:
        evaluate(text, scope)
    assert str(raised.value) == sentence


def test_too_many_digits_are_refused():
    with pytest.raises(ExpressionError, match="too many digits"):
        evaluate("9" * 60, PRICE)


@given(st.text(alphabet="0123456789.,_+-tkm%bidasklvg x*/e", max_size=40))
def test_anything_typed_is_an_amount_on_the_grid_or_a_sentence(text):
    for scope in (PRICE, QUANTITY):
        sentence, steps = "", 0
        try:
            steps = evaluate(text, scope).steps
        except ExpressionError as error:
            sentence = str(error)
        assert steps > 0 or sentence.endswith(".")


@given(st.integers(1, 10**12))
def test_a_number_on_the_grid_is_taken_exactly(steps):
    assert evaluate(f"{steps * HALF:,}", PRICE).steps == steps
