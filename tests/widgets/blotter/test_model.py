"""Whatever happens to the board and the filter, the table shows what sorting afresh would."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QObject, QPersistentModelIndex
from PySide6.QtTest import QAbstractItemModelTester

from core.client.board import Board
from core.model.enums import OrdStatus, Side
from core.model.tables import ORDERS
from tests.widgets.blotter.conftest import Blotters
from tests.widgets.trading_world import BID, BTC, SHARE
from widgets.blotter import model as module
from widgets.blotter.model import BlotterModel

STATES = (OrdStatus.NEW, OrdStatus.PARTIALLY_FILLED, OrdStatus.FILLED, OrdStatus.CANCELED)
ORDER = st.tuples(
    st.integers(0, 12), st.sampled_from(list(Side)), st.integers(-3, 3), st.sampled_from(STATES)
)
STEP = st.one_of(
    st.tuples(st.just("orders"), st.lists(ORDER, max_size=8)),
    st.tuples(st.just("drop"), st.integers(0, 12)),
    st.tuples(st.just("hold"), st.booleans()),
    st.tuples(st.just("settle"), st.none()),
    st.tuples(st.just("sort"), st.sampled_from(("price", "side", "status", "created"))),
    st.tuples(st.just("filter"), st.sampled_from(("", "buy", "64,21", "no such"))),
    st.tuples(st.just("again"), st.none()),
)


def make(world: Blotters, parent: QObject) -> BlotterModel:
    return BlotterModel(
        world.stores,
        world.stores.orders,
        ORDERS.columns,
        ("created", True),
        lambda o: 0 if o.working else 1,
        lambda *_: None,
        parent,
    )


def do(world: Blotters, model: BlotterModel, what: str, how) -> None:
    if what == "orders":
        for number, side, ticks, status in how:
            world.order(f"O{number}", side, BID + ticks, created=1_000 + number, status=status)
    elif what == "drop":
        world.stores.orders.drop(f"O{how}")
    elif what == "hold":
        model.held = how
    elif what == "settle":
        model.settle()
    elif what == "sort":
        model.sort_by(how, descending=len(model.sorts) % 2 == 0)
    elif what == "filter":
        model.set_filter(how, {}, range(len(model.columns)))
    else:
        world.connect()
    model.take()


ONE_COMES_IN_AS_MANY_DO = [
    ("orders", [(0, Side.BUY, 0, OrdStatus.NEW), (3, Side.SELL, 0, OrdStatus.NEW)]),
    ("filter", "buy"),
    ("orders", [(3, Side.BUY, 0, OrdStatus.NEW), (4, Side.BUY, 0, OrdStatus.NEW)]),
    (
        "orders",
        [
            (1, Side.BUY, 0, OrdStatus.FILLED),
            (2, Side.BUY, 0, OrdStatus.NEW),
            (5, Side.BUY, 0, OrdStatus.NEW),
        ],
    ),
]
"""A row that the filter let in only now stays in when many others come at once."""


@pytest.mark.parametrize("one_by_one", [100, 2])
@pytest.mark.parametrize("at_once", [4_000, 0])
def test_settled_rows_are_those_of_a_new_table(qapp, monkeypatch, one_by_one, at_once):
    monkeypatch.setattr(module, "ONE_BY_ONE", one_by_one)
    monkeypatch.setattr(module, "AT_ONCE", at_once)

    @settings(max_examples=60, deadline=None)
    @given(st.lists(STEP, max_size=14))
    @example(ONE_COMES_IN_AS_MANY_DO)
    def run(steps) -> None:
        world, parent = Blotters(), QObject()
        model = make(world, parent)
        tester = QAbstractItemModelTester(
            model, QAbstractItemModelTester.FailureReportingMode.Fatal, parent
        )
        query = ""
        for what, how in steps:
            before = [o.cl_ord_id for o in model.rows()]
            do(world, model, what, how)
            if what == "filter":
                query = how
            if model.held and what == "orders":
                # nothing above moves under the pointer
                assert [o.cl_ord_id for o in model.rows()][: len(before)] == before
        model.held = False
        for _ in range(3):
            model.take()
            model.settle()
        fresh = make(world, parent)
        fresh.set_sorts(model.sorts)
        fresh.take()
        fresh.set_filter(query, {}, range(len(fresh.columns)))
        # rows of one time keep the order in which each table met them; times here differ
        key = [(o.cl_ord_id, o.status) for o in model.rows()]
        assert sorted(key, key=str) == sorted(
            ((o.cl_ord_id, o.status) for o in fresh.rows()), key=str
        )
        by = model._sorting
        order = [by.order_now(line) for line in map(model.line_at, range(model.rowCount()))]
        assert order == sorted(order)
        assert not model.unsettled
        del tester
        parent.deleteLater()

    run()


def test_selection_follows_its_row(qtbot, opened, world):
    for n in range(20):
        world.order(f"O{n}", Side.BUY, BID - n, created=1_000 + n)
    panel = opened("orders")
    panel.view.selectRow(panel.model.find("O7"))
    panel.model.sort_by("price", descending=False)
    assert [o.cl_ord_id for o in panel.selected()] == ["O7"]
    world.order("O7", Side.BUY, BID - 7, created=1_007, status=OrdStatus.CANCELED)
    panel.model.take()
    panel.model.settle()
    assert panel.model.find("O7") == 19
    assert [o.cl_ord_id for o in panel.selected()] == ["O7"]


def test_an_index_kept_elsewhere_follows_too(qtbot, opened, world):
    for n in range(200):
        world.fill(n)
    panel = opened("fills")
    kept = QPersistentModelIndex(panel.model.index(panel.model.find(f"{BTC.id}|E50"), 0))
    panel.model.sort_by("price", descending=True)
    assert panel.model.row_at(kept.row()).exec_id == "E50"


def test_rows_wait_for_their_instrument(qtbot, opened, world):
    stranger = world.fill(1, SHARE)
    panel = opened("fills")
    assert panel.model.total() == 1
    world.stores.instruments.clear()
    world.fill(2)
    panel.flush()
    assert panel.model.total() == 1
    world.stores.instruments.put(BTC.id, BTC)
    panel.flush()
    assert [f.exec_id for f in panel.model.rows()] == ["E2", stranger.exec_id]


def test_rows_that_are_gone_go_however_late_one_looks(qtbot, opened, world):
    world.stores.fills = Board(3_000)
    for n in range(3_000):
        world.fill(n)
    panel = opened("fills", watched=False)
    taken_in(panel.model)
    assert panel.model.rowCount() == 3_000
    for n in range(3_000, 10_000):
        world.fill(n)
    assert world.stores.fills.forgotten > 0
    taken_in(panel.model)
    assert panel.model.rowCount() == panel.model.total() == 3_000
    assert {f.exec_id for f in panel.model.rows()} == {f"E{n}" for n in range(7_000, 10_000)}


def taken_in(model: BlotterModel) -> None:
    """A backlog is taken in slices."""
    for _ in range(10_000):
        if not model.take():
            break


def test_a_hundred_thousand_fills_cost_only_what_changes(qtbot, opened, world, monkeypatch):
    world.stores.fills = Board()
    for n in range(100_000):
        world.fill(n)
    panel = opened("fills", watched=False)  # the watcher looks at every row each time
    for _ in range(10_000):
        if panel.model.total() == 100_000:
            break
        panel.model.take()
    assert panel.model.rowCount() == 100_000
    looked: list[str] = []
    real = module.Sorting.order_now

    def counted(self, line):
        looked.append(line.key)
        return real(self, line)

    monkeypatch.setattr(module.Sorting, "order_now", counted)
    made: list[str] = []
    texts = module.Line.texts

    def counted_texts(self, columns):
        made.append(self.key)
        return texts(self, columns)

    monkeypatch.setattr(module.Line, "texts", counted_texts)
    for n in range(100_000, 100_010):
        world.fill(n)
    world.fill(40_000, fee=Decimal(1))
    panel.model.take()
    assert panel.model.rowCount() == 100_010
    assert panel.model.row_at(0).exec_id == "E100009"
    assert len(looked) < 300
    # only what is looked at gets its texts made
    assert len(set(made)) < 300
