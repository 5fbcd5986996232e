"""A board tells each reader what changed since it looked, and never grows beyond its bound."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.client.board import Board

STEPS = st.lists(
    st.tuples(st.sampled_from(("put", "drop", "read")), st.integers(0, 30)), max_size=200
)


class Reader:
    """What a panel has of a board."""

    def __init__(self) -> None:
        self.rows: dict[str, int] = {}
        self.cursor = 0

    def look(self, board: Board[int]) -> None:
        for key in board.changed_since(self.cursor):
            row = board.get(key)
            if row is None:
                self.rows.pop(key, None)
            else:
                self.rows[key] = row
        if self.cursor < board.forgotten:
            self.rows = {key: row for key, row in self.rows.items() if key in board}
        self.cursor = board.version


@given(STEPS, st.integers(1, 12))
def test_a_reader_has_what_the_board_has(steps, most):
    board: Board[int] = Board(most)
    reader = Reader()
    for number, (what, key) in enumerate(steps):
        if what == "put":
            board.put(f"K{key}", number)
        elif what == "read":
            reader.look(board)
            assert reader.rows == {k: board[k] for k in board.keys()}  # noqa: SIM118
        else:
            board.drop(f"K{key}")
        assert len(board) <= most
    reader.look(board)
    assert reader.rows == {k: board[k] for k in board.keys()}  # noqa: SIM118


def test_of_too_many_rows_those_that_came_first_go():
    board: Board[int] = Board(3)
    for number in range(5):
        board.put(f"K{number}", number)
        if "K0" in board:
            board.put("K0", -number)  # a new state does not make it younger
    assert list(board) == [2, 3, 4]


def test_keys_that_are_gone_do_not_pile_up():
    board: Board[int] = Board(10)
    reader = Reader()
    for number in range(20_000):
        board.put(f"K{number}", number)
        if number % 7 == 0 and number < 15_000:
            reader.look(board)
    assert len(board._changed) <= 10 + 1_000
    assert board.forgotten > 0
    reader.look(board)
    assert sorted(reader.rows.values()) == list(range(19_990, 20_000))
