"""The workspaces that there are: their files, names and order."""

from __future__ import annotations

import pytest

from app.settings import SettingsFile
from app.workspace import SavedPanel, SavedWorkspace
from app.workspaces import LONGEST_NAME, Workspace, Workspaces


def library(tmp_path) -> Workspaces:
    return Workspaces(tmp_path / "w", SettingsFile(tmp_path / "settings"), "paper")


def fill(workspace: Workspace, number: int = 1) -> None:
    panels = [SavedPanel("log-1", "log", {"n": number})]
    workspace.file.save(SavedWorkspace(name=workspace.name, panels=panels))


def test_there_is_always_one(tmp_path):
    found = library(tmp_path)
    assert [(w.id, w.name) for w in found] == [("default", "Default")]
    assert found.neighbour() is None


def test_ids_stay_and_names_are_texts_in_the_files(tmp_path):
    first = library(tmp_path)
    scalp = first.create("Scalp")
    for workspace in first:
        fill(workspace)
    first.activate(scalp)
    scalp.name = "Früh & spät"
    fill(scalp, 2)
    again = library(tmp_path)
    assert [(w.id, w.name) for w in again] == [
        ("default", "Default"),
        ("workspace-2", "Früh & spät"),
    ]
    assert again.active.id == "workspace-2"


def test_they_stand_in_the_order_they_were_made(tmp_path):
    found = library(tmp_path)
    for _ in range(11):
        found.create("X")
    for workspace in found:
        fill(workspace)
    assert [w.id for w in library(tmp_path)] == [
        "default",
        *(f"workspace-{n}" for n in range(2, 13)),
    ]


def test_kept_versions_and_strangers_are_no_workspaces(tmp_path):
    found = library(tmp_path)
    for number in range(4):
        fill(found.active, number)
    (tmp_path / "w" / "my notes.json").write_text("{}")
    (tmp_path / "w" / "mine.json").write_text("{")
    assert [w.id for w in library(tmp_path)] == ["default", "mine"]


def test_an_active_one_that_is_gone_is_not_missed(tmp_path):
    found = library(tmp_path)
    fill(found.active)
    found.activate(found.create("Gone"))
    assert library(tmp_path).active.id == "default"


def test_each_mode_remembers_its_own(tmp_path):
    settings = SettingsFile(tmp_path)
    paper = Workspaces(tmp_path / "paper", settings, "paper")
    paper.activate(paper.create("Scalp"))
    fill(paper.active)
    settings = SettingsFile(tmp_path)
    assert Workspaces(tmp_path / "paper", settings, "paper").active.name == "Scalp"
    assert Workspaces(tmp_path / "replay", settings, "replay").active.name == "Default"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("", "needs a name"),
        ("  \t ", "needs a name"),
        ("x" * (LONGEST_NAME + 1), "at most 40"),
        ("a\nb", "cannot be shown"),
        ("a\u202eb", "cannot be shown"),
        ("DEFAULT ", "There is a workspace “DEFAULT” already"),
    ],
)
def test_a_bad_name_gets_a_sentence(tmp_path, name, says):
    found = library(tmp_path)
    assert says in found.problem_of(name)
    made = found.create(name)
    assert found.problem_of(made.name, made) == ""


def test_names_like_paths_are_only_names(tmp_path):
    found = library(tmp_path)
    made = found.create("../../etc/passwd")
    fill(made)
    assert made.file.path.parent == tmp_path / "w"
    assert [w.name for w in library(tmp_path)] == ["../../etc/passwd"]


def test_a_taken_name_gets_the_next_number(tmp_path):
    found = library(tmp_path)
    assert [found.create("Scalp").name for _ in range(3)] == ["Scalp", "Scalp 2", "Scalp 3"]
    assert found.create("Scalp 2").name == "Scalp 4"
    long = "y" * LONGEST_NAME
    assert found.create(long).name == long
    assert found.create(long).name == "y" * (LONGEST_NAME - 2) + " 2"


def test_what_is_deleted_comes_back_as_it_was_even_after_a_restart(tmp_path):
    found = library(tmp_path)
    scalp = found.create("Scalp")
    for workspace in found:
        fill(workspace, 7)
    found.delete(scalp)
    assert [w.id for w in library(tmp_path)] == ["default"]
    again = library(tmp_path)
    other = again.create("Scalp")
    assert other.id == "workspace-3", "an id is never used twice"
    back = again.bring_back()
    assert (back.id, back.name) == ("workspace-2", "Scalp 2")
    assert back.load().panels[0].state == {"n": 7}
    assert again.bring_back() is None


def test_what_was_never_written_cannot_be_deleted(tmp_path):
    found = library(tmp_path)
    with pytest.raises(OSError, match="No such file"):
        found.delete(found.create("Scalp"))
    assert [w.name for w in found] == ["Default", "Scalp"]
