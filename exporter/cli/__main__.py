"""`python -m exporter.cli`: the command, where it is not on PATH."""

import sys

if not sys.flags.safe_path:
    del sys.path[0]  # the current folder: a plugin or a library that lies there is not installed

from exporter.cli.main import main

main()
