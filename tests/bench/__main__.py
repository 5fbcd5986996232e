"""`python -m tests.bench`: measure this machine and print each figure beside its budget."""

from __future__ import annotations

import argparse
import sys

from app.commands import bench

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    bench.add_arguments(parser)
    sys.exit(bench.run(parser.parse_args()))
