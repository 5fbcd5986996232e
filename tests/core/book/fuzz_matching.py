"""Fuzzes the matching book's C core against a naive model, guided by coverage.

    python tests/core/book/fuzz_matching.py [SECONDS]

Needs clang with libFuzzer (Debian and Ubuntu: ``apt install clang libclang-rt-dev``, or the
numbered ``clang-14 libclang-rt-14-dev``). The harness, ``fuzz_matching.cpp``, runs under the
address and undefined-behaviour sanitizers and aborts at the first difference; the input that
caused it is then kept in ``tests/core/book/findings_matching/`` and replayed by the tests for
ever after.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
HARNESS = HERE / "fuzz_matching.cpp"
FINDINGS = HERE / "findings_matching"
CORE = HERE.parents[2] / "core" / "book"
CHECKED = ["-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", f"-I{CORE}"]


def clang() -> str | None:
    """A clang++ that can link libFuzzer, or None."""
    for name in ("clang++", *(f"clang++-{version}" for version in range(22, 13, -1))):
        path = shutil.which(name)
        if path is None:
            continue
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / "try.cpp"
            source.write_text(
                "#include <cstdint>\n#include <cstddef>\n"
                'extern "C" int LLVMFuzzerTestOneInput(const uint8_t *, size_t) { return 0; }\n'
            )
            done = subprocess.run(
                [path, "-fsanitize=fuzzer", str(source), "-o", str(Path(folder) / "try")],
                capture_output=True,
                check=False,
            )
        if done.returncode == 0:
            return path
    return None


def build_fuzzer(compiler: str, to: Path) -> None:
    options = [*CHECKED, "-fsanitize=fuzzer"]
    subprocess.run([compiler, *options, str(HARNESS), "-o", str(to)], check=True)


def build_replayer(compiler: str, to: Path) -> None:
    """The harness as a program that runs the files it is given; any C++ compiler will do."""
    subprocess.run([compiler, *CHECKED, "-DREPLAY", str(HARNESS), "-o", str(to)], check=True)


def fuzz(
    fuzzer: Path, corpus: Path, seconds: int, findings: Path
) -> subprocess.CompletedProcess[str]:
    corpus.mkdir(exist_ok=True)
    return subprocess.run(
        [
            str(fuzzer),
            f"-max_total_time={seconds}",
            "-max_len=3000",
            "-timeout=10",
            "-print_final_stats=1",
            f"-artifact_prefix={findings}/",
            str(corpus),
        ],
        capture_output=True,
        text=True,
        check=False,
    )


def main(seconds: int) -> int:
    compiler = clang()
    if compiler is None:
        print("Not fuzzed: no clang++ with libFuzzer here (apt install clang libclang-rt-dev).")
        return 0
    FINDINGS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        fuzzer = Path(folder) / "fuzzer"
        build_fuzzer(compiler, fuzzer)
        done = fuzz(fuzzer, Path(folder) / "corpus", seconds, FINDINGS)
    print("\n".join(done.stderr.splitlines()[-12:]))
    if done.returncode == 0:
        print("No difference found.")
        if not any(FINDINGS.iterdir()):
            FINDINGS.rmdir()
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 120))
