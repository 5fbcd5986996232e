from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.settings import Settings, SettingsFile


def test_without_a_file_the_defaults_are_in_force(tmp_path):
    file = SettingsFile(tmp_path)
    assert file.values == Settings()
    assert file.problem == ""
    assert list(tmp_path.iterdir()) == []


def test_what_is_saved_is_read(tmp_path):
    file = SettingsFile(tmp_path)
    file.values.theme = "light"
    file.values.up_down = "blue/orange"
    file.values.font_points = 13
    file.save()
    assert SettingsFile(tmp_path).values == file.values


@pytest.mark.parametrize(
    ("content", "names"),
    [
        (b'{\n"theme": "pink"}', ", line 2: theme: “pink” is not possible. Use one of: dark,"),
        (b'{"theme": "lihgt"}', ", line 1: theme: “lihgt” is not possible. Did you mean “light”?"),
        (b'{"trader": "me",\n\n"font_points": 99}', ", line 3: font_points: Expected"),
        (b'{"font_points": "big"}', "font_points"),
        (b'{"up_down": 1}', "up_down"),
        (b'{\n"workspaces": {"paper": 1}}', ", line 2: workspaces[...]"),
        (b"[]", ", line 1: the file: Expected `object`"),
        (b"{", ", line 1: it is not JSON"),
        (b'{\n"theme": "dark"\n"trader": "x"}', ", line 3: it is not JSON"),
        (b"\xff", "not understood"),
        (b"[" * 100_000, "line 1: the file: Expected `object`"),
        (b'{"theme": ' + b"[" * 100_000, "Expected `str`"),
        (b'{"x": ' + b"[" * 100_000, "not understood"),
    ],
)
def test_a_wrong_file_is_named_kept_and_not_used(tmp_path, content, names):
    path = tmp_path / "settings.json"
    path.write_bytes(content)
    file = SettingsFile(tmp_path)
    assert file.values == Settings()
    assert str(path) in file.problem
    assert names in file.problem
    file.save()
    (aside,) = (p for p in tmp_path.iterdir() if p != path)
    assert aside.name in file.problem
    assert aside.read_bytes() == content


def test_unknown_settings_are_named_with_their_line_and_stay_in_the_file(tmp_path):
    path = tmp_path / "settings.json"
    path.write_text('{"theme": "dark",\n "uo_down": "red/green",\n "from_the_future": [1]}')
    file = SettingsFile(tmp_path)
    assert file.values == Settings(theme="dark")
    assert f"{path}, line 2: there is no setting “uo_down”, so it does nothing." in file.problem
    assert "Did you mean “up_down”?" in file.problem
    assert f"{path}, line 3: there is no setting “from_the_future”" in file.problem
    file.values.theme = "light"
    file.save()
    again = SettingsFile(tmp_path)
    assert again.values == Settings(theme="light")
    saved = json.loads(path.read_text())
    assert (saved["uo_down"], saved["from_the_future"]) == ("red/green", [1])


def test_a_file_that_cannot_be_read_is_not_overwritten(tmp_path, monkeypatch):
    (tmp_path / "settings.json").mkdir()
    file = SettingsFile(tmp_path)
    assert "cannot be read" in file.problem
    with pytest.raises(OSError, match="mend or remove"):
        file.save()
    (tmp_path / "settings.json").rmdir()
    (tmp_path / "settings.json").write_text("{")

    def refuse(_path, _aside):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "replace", refuse)
    file = SettingsFile(tmp_path)
    assert "left alone" in file.problem
    with pytest.raises(OSError, match="mend or remove"):
        file.save()
    assert (tmp_path / "settings.json").read_text() == "{"
