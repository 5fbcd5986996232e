from __future__ import annotations

import pytest

from app import settings as module
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
        (b'{"theme": "pink"}', "theme"),
        (b'{"font_points": 99}', "font_points"),
        (b'{"font_points": "big"}', "font_points"),
        (b'{"up_down": 1}', "up_down"),
        (b"{", "not understood"),
        (b"\xff", "not understood"),
        (b"[" * 100_000, "not understood"),
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


def test_unknown_settings_are_passed_over(tmp_path):
    (tmp_path / "settings.json").write_text('{"theme": "dark", "from_the_future": 1}')
    file = SettingsFile(tmp_path)
    assert (file.values.theme, file.problem) == ("dark", "")


def test_a_file_that_cannot_be_read_is_not_overwritten(tmp_path, monkeypatch):
    (tmp_path / "settings.json").mkdir()
    file = SettingsFile(tmp_path)
    assert "cannot be read" in file.problem
    with pytest.raises(OSError, match="mend or remove"):
        file.save()
    (tmp_path / "settings.json").rmdir()
    (tmp_path / "settings.json").write_text("{")

    def refuse(_path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(module, "set_aside", refuse)
    file = SettingsFile(tmp_path)
    assert "left alone" in file.problem
    with pytest.raises(OSError, match="mend or remove"):
        file.save()
    assert (tmp_path / "settings.json").read_text() == "{"
