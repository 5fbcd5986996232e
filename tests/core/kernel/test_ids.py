"""The set of used ids against a plain set."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.kernel.ids import UsedIds
from core.model.ids import IdMaker

LARGE = ("b-999999999999999", "b-1000000000000000", "b-1000000000000001")

ids = st.one_of(
    st.builds(lambda h, n: f"{h}-{n}", st.sampled_from(["a", "b", "", "a-1"]), st.integers(0, 12)),
    st.sampled_from(
        ["a-01", "a-", "-", "", "a", "٣-٣", "a-٣", "a--1", "a-999999999999999999", *LARGE]
    ),
    st.text(max_size=4),
)


@given(st.lists(ids, max_size=80), st.lists(ids, max_size=10))
def test_like_a_set(adds, asks):
    used, plain = UsedIds(), set()
    for name in adds:
        assert used.add(name) is (name not in plain)
        plain.add(name)
    for name in (*adds, *asks):
        assert (name in used) is (name in plain)
    other = UsedIds()
    other.load(*used.dump())
    assert other.dump() == used.dump()
    assert all(name in other for name in plain)


def test_a_sessions_ids_are_one_run():
    maker, used = IdMaker("P"), UsedIds()
    for _ in range(10_000):
        assert used.add(maker.next())
    runs, others = used.dump()
    assert len(runs) == 1
    assert runs[0][1] == [1, 10_001]
    assert others == []
