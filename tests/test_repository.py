"""The rules of the house that a program can check."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
MODULES = PROJECT["tool"]["setuptools"]["ext-modules"]
PACKAGES = ("app", "widgets", "core")


def python_files(*folders):
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def test_every_cython_source_is_built_and_every_built_module_has_its_source():
    sources = {path.relative_to(ROOT).as_posix() for path in (ROOT / "core").rglob("*.pyx")}
    assert sources == {source for module in MODULES for source in module["sources"]}
    for module in MODULES:
        assert module["sources"] == [module["name"].replace(".", "/") + ".pyx"]


@pytest.mark.parametrize("name", [module["name"] for module in MODULES])
def test_cython_modules_import_as_compiled_code(name):
    module = importlib.import_module(name)
    assert Path(module.__file__).suffix in (".so", ".pyd")


def test_core_runs_without_qt():
    """Every module of core, imported in a fresh interpreter, brings no Qt along."""
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts) for path in python_files("core")
    ]
    names = [name.removesuffix(".__init__") for name in names if not name.endswith("__main__")]
    code = (
        "import importlib, sys\n"
        f"for name in {names!r}: importlib.import_module(name)\n"
        "qt = {m.split('.')[0] for m in sys.modules} & "
        "{'PySide6', 'shiboken6', 'PySide6QtAds', 'pyqtgraph', 'qasync', 'superqt', 'qtpy'}\n"
        "sys.exit(f'core imports {qt}' if qt else 0)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("package", PACKAGES)
def test_every_folder_with_code_is_a_package(package):
    """Otherwise the build would leave it out."""
    folders = {path.parent for path in python_files(package)}
    assert [str(folder) for folder in folders if not (folder / "__init__.py").exists()] == []


def test_tests_are_no_packages():
    assert list((ROOT / "tests").rglob("__init__.py")) == []


def test_nothing_unpickles_or_evaluates():
    """Neither files nor messages may become code."""
    found = []
    for path in python_files(*PACKAGES):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                names = [node.func.id]
            if {"pickle", "marshal", "shelve", "eval", "exec"} & set(names):
                found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert found == []


def test_every_dependency_is_bounded_above():
    """A fresh installation a year from now gets what was tested."""
    loose = []
    for text in PROJECT["project"]["dependencies"]:
        requirement = Requirement(text)
        bounded = any(spec.operator in ("<", "==", "~=") for spec in requirement.specifier)
        if not bounded and requirement.name != "tzdata":
            loose.append(text)
    assert loose == []


@pytest.mark.parametrize("group", ["scripts", "gui-scripts"])
def test_entry_points_lead_to_the_command_line(group):
    for name, value in PROJECT["project"][group].items():
        assert callable(EntryPoint(name, value, group).load())


def test_builds_leave_nothing_that_git_would_take():
    """Compiled and generated files are ignored, whatever the module is called."""
    made = [f"core/book/{Path(m['sources'][0]).stem}" for m in MODULES]
    names = [
        stem + suffix for stem in made for suffix in (".c", ".cpython-311-x86_64-linux-gnu.so")
    ]
    result = subprocess.run(
        ["git", "check-ignore", *names], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if result.returncode == 128:
        pytest.skip("this is no git checkout")
    assert sorted(result.stdout.split()) == sorted(names)
