"""Workspaces as files to give away: nothing private out, nothing wrong in."""

from __future__ import annotations

import pytest

from app.errors import UserError
from app.sharing import MOST_PANELS, read_shared, write_shared
from app.workspace import SavedPanel, SavedWorkspace

STATE = {
    "query": "btc",
    "sizes": {"TOKEN.ALPHA": "0.5", "BTC-USD.ALPHA": "1/2"},
    "api_key": "sk-1",
    "Token": "t",
    "venue_password": "p",
    "deep": [{"secret": "s", "kept": 1}, "/home/somebody/list.csv", "a/b", "/"],
    "file": "C:\\Users\\somebody\\x.csv",
}


def test_what_is_private_stays_at_home(tmp_path):
    path = tmp_path / "w.json"
    workspace = SavedWorkspace(
        name="Scalp",
        panels=[SavedPanel("log-1", "log", STATE)],
        docks="AAAA",
        geometry="AAAA",
        screen="DP-1",
        account="U1234567",
        instrument="BTC-USD.ALPHA",
    )
    write_shared(path, workspace)
    text = path.read_text()
    for private in ("U1234567", "DP-1", "sk-1", "somebody", 'geometry": "AAAA'):
        assert private not in text
    shared = read_shared(path)
    assert shared.panels[0].state == {
        "query": "btc",
        "sizes": {"TOKEN.ALPHA": "0.5", "BTC-USD.ALPHA": "1/2"},
        "deep": [{"kept": 1}, "a/b", "/"],
    }
    assert (shared.name, shared.instrument, shared.docks) == ("Scalp", "BTC-USD.ALPHA", "AAAA")
    assert workspace.panels[0].state is STATE, "the workspace itself keeps everything"
    assert "api_key" in STATE


ONE = '{"id": "a", "kind": "log"}'


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "line 1, column 1"),
        (b'{"panels":\n [}', "line 2, column 3"),
        (b"\xff\xfe", "no workspace"),
        (b"[]", "Expected `object`"),
        (b"{}", "it has no panels"),
        (b'{"panels": []}', "it has no panels"),
        (b'{"panels": [{"kind": "log"}]}', "$.panels[0]"),
        (b'{"panels": [{"id": "a", "kind": 3}]}', "$.panels[0].kind"),
        (b'{"panels": [{"id": "a", "kind": "log", "state": []}]}', "$.panels[0].state"),
        (f'{{"version": 99, "panels": [{ONE}]}}'.encode(), "newer Outcry (version 99"),
        (f'{{"panels": [{",".join([ONE] * (MOST_PANELS + 1))}]}}'.encode(), "101 panels"),
        (b"[" * 100_000, "no workspace"),
        (b" " * 4_000_001, "larger than any workspace"),
    ],
)
def test_a_wrong_file_is_named_with_the_place_and_a_remedy(tmp_path, content, says):
    path = tmp_path / "w.json"
    path.write_bytes(content)
    with pytest.raises(UserError) as refused:
        read_shared(path)
    text = str(refused.value)
    assert text.startswith(str(path))
    assert says in text
    assert "Choose a file" in text or "Update Outcry" in text
    assert path.read_bytes() == content


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        read_shared(tmp_path / "none.json")


def test_account_and_place_of_another_are_not_taken_over(tmp_path):
    path = tmp_path / "w.json"
    path.write_text(f'{{"account": "LIVE-9", "geometry": "AAAA", "panels": [{ONE}]}}')
    shared = read_shared(path)
    assert (shared.account, shared.geometry) == ("", "")


def test_a_folder_that_cannot_be_written_leaves_what_was_there(tmp_path):
    (tmp_path / "taken").write_text("precious")
    with pytest.raises(UserError, match="what stood there before is untouched"):
        write_shared(tmp_path / "taken" / "w.json", SavedWorkspace())
    assert (tmp_path / "taken").read_text() == "precious"
