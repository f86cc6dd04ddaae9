"""`python -m exporter.cli`, for where the command is not on PATH."""

import sys

if not sys.flags.safe_path:
    del sys.path[0]  # the current folder: a plugin or a library that lies there is not installed

from exporter.cli.main import main

main()
