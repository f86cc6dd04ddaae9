"""`python -m exporter.cli`, if the command is not on PATH."""

import sys

if not sys.flags.safe_path:
    del sys.path[0]  # the current folder: plugins and libraries in it are not installed

from exporter.cli.main import main

main()
