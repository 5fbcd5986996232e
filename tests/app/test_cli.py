from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from app import cli
from app.commands import words
from app.errors import UserError

ROOT = Path(__file__).resolve().parents[2]


def parse(*arguments):
    return cli.build_parser(arguments[0]).parse_args(arguments)


@pytest.fixture
def called(monkeypatch):
    """Replaces what a command runs, so that parsing is tested without opening anything."""

    def replace(command):
        seen = []
        module = __import__(f"app.commands.{command}", fromlist=["run"])
        monkeypatch.setattr(module, "run", lambda options: seen.append(options) or 0)
        return seen

    return replace


def test_help_lists_every_command_and_imports_nothing_heavy():
    code = (
        "import sys; from app.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit as end: assert end.code == 0\n"
        "heavy = {'PySide6', 'numpy', 'pandas', 'zmq', 'msgspec', 'uvloop'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    for command in cli.COMMANDS:
        assert f"    {command} " in result.stdout


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_each_command_has_help(command, capsys):
    with pytest.raises(SystemExit) as end:
        cli.main([command, "--help"])
    assert end.value.code == 0
    assert f"usage: outcry {command}" in capsys.readouterr().out


def test_main_py_runs_from_anywhere(tmp_path):
    result = subprocess.run(
        [sys.executable, ROOT / "main.py", "--version"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0
    assert result.stdout.startswith("outcry ")


@pytest.mark.parametrize("arguments", [[], ["--theme", "light"], ["terminal", "--seed", "7"]])
def test_the_terminal_is_the_default(arguments, called):
    seen = called("terminal")
    assert cli.main(arguments) == 0
    (options,) = seen
    assert options.command == "terminal"
    assert options.replay is None


def test_words_of_the_terminal():
    options = parse(
        *("terminal", "--theme", "dark", "--seed", "7", "--instruments", "500"),
        *("--data-dir", "d", "--placement", "remote", "--endpoint", "tcp://127.0.0.1:1"),
        *("--screenshot", "p.png", "--exit-after", "2.5", "--offscreen"),
    )
    assert (options.theme, options.seed, options.instruments) == ("dark", 7, 500)
    assert (options.data_dir, options.screenshot) == (Path("d"), Path("p.png"))
    assert (options.placement, options.endpoint) == ("remote", "tcp://127.0.0.1:1")
    assert (options.exit_after, options.offscreen) == (2.5, True)


def test_replay_is_the_terminal_on_a_file(tmp_path):
    file = tmp_path / "a.gz"
    file.write_bytes(b"")
    options = parse("replay", str(file), "--speed", "10", "--start", "2024-08-09T13:30")
    assert options.replay == file
    assert options.speed == 10.0
    assert options.start == 1_723_210_200_000_000_000
    missing = set(vars(parse("terminal"))) - set(vars(options))
    assert missing == set(), "whatever runs a terminal finds every word of it"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["replya"], "there is no command 'replya'. Did you mean replay?"),
        (["x1y2"], "there is no command 'x1y2'."),
        (["bench", "--onyl", "book"], "there is no option --onyl. Did you mean --only?"),
        (["bench", "--json", "."], "'.' is a folder; name a file in it"),
        (["bench", "--json", "no/where.json"], "the folder 'no' is not there"),
        (["--them=dark"], "there is no option --them. Did you mean --theme?"),
        (["--screenshot", "no/where.png"], "the folder 'no' is not there"),
        (["--data-dir", __file__], "is a file, not a folder"),
        (["doctor", "now"], "'now' is one word too many"),
        (["journal", "verify", "--folder"], "expected one argument"),
        (["journal", "verify", "--check"], "there is no option --check"),
        (["engine", "--endpoint", "here"], "'here' is no address; one looks like tcp://"),
        (["--placement", "remote", "--endpoint", "x:1"], "'x:1' is no address"),
        (["simulate", "--seeds", "few"], "'few' is not a whole number from 1"),
        (["simulate", "--seed", "-1"], "'-1' is not a whole number from 0"),
        (["simulate", "--seed", "1", "--only", "3,,4"], "'' is not a whole number from 0"),
        (["export", "fills", "--from", "0001-01-01"], "'0001-01-01' is not in the years 1678"),
        (["export", "fills", "--to", "9999-12-31"], "'9999-12-31' is not in the years 1678"),
        (["replay", "nowhere.gz"], "'nowhere.gz' is not there"),
        (["replay", "."], "'.' is a folder, not a file"),
        (["replay", "x" * 300], "xx' is not there"),
        (["replay", "~nobody-of-that-name/x"], "x' is not there"),
        (["--seed", "-1"], "'-1' is not a whole number from 0 to"),
        (["--instruments", "1"], "'1' is not a whole number from 2 to"),
        (["--exit-after", "nan"], "'nan' is not a number above 0"),
        (["--theme", "pink"], "invalid choice: 'pink'"),
        (["export"], "the following arguments are required: what"),
        (["export", "fills", "--from", "yesterday"], "'yesterday' is not an ISO 8601 time"),
    ],
)
def test_wrong_words_get_a_sentence(arguments, sentence, capsys):
    with pytest.raises(SystemExit) as end:
        cli.main(arguments)
    assert end.value.code == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize("command", [*cli.COMMANDS, "journal verify", "journal repair"])
def test_a_wrong_word_comes_with_the_usage_of_its_own_command(command, capsys):
    with pytest.raises(SystemExit) as end:
        cli.main([*command.split(), *(["x"] * (command == "replay")), "--nope"])
    assert end.value.code == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"usage: outcry {command} [-h]")
    assert f"All its words: outcry {command} --help\n" in said.err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["simulate", "--only", "3"], "name it with --seed K"),
        (["simulate", "--trace"], "name it with --seed K"),
        (["simulate", "--seed", "1", "--steps", "9", "--only", "2,9"], "there is no step 9"),
        (["engine", "--speed", "2"], "name it with --replay FILE"),
    ],
)
def test_words_that_do_not_fit_together_get_a_sentence(arguments, sentence, capsys):
    assert cli.main(arguments) == 1
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--placement", "remote"], ["--endpoint", "tcp://[::1]:9"]])
def test_a_remote_engine_needs_its_address(arguments, capsys):
    assert cli.main(arguments) == 1
    assert "need each other" in capsys.readouterr().err


def test_errors_of_the_user_are_a_sentence_and_others_are_not_hidden(monkeypatch, capsys):
    from app.commands import doctor

    def mendable(options):
        raise UserError("line 3 of x.csv is empty: remove it")

    def bug(options):
        raise KeyError("x")

    monkeypatch.setattr(doctor, "run", mendable)
    assert cli.main(["doctor"]) == 1
    assert capsys.readouterr().err == "outcry: line 3 of x.csv is empty: remove it\n"
    monkeypatch.setattr(doctor, "run", bug)
    with pytest.raises(KeyError):
        cli.main(["doctor"])


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("1970-01-01", 0),
        ("2024-08-09T00:00:00Z", 1_723_161_600_000_000_000),
        ("2024-08-09T02:00:00+02:00", 1_723_161_600_000_000_000),
        ("2024-08-09 00:00:00.123456789", 1_723_161_600_123_456_789),
        ("2024-08-09T00:00:00.5Z", 1_723_161_600_500_000_000),
        ("1969-12-31T23:59:59.25", -750_000_000),
    ],
)
def test_times_are_exact_to_the_nanosecond(text, nanoseconds):
    assert words.utc_nanoseconds(text) == nanoseconds
