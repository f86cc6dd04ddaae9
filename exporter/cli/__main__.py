"""`python -m exporter.cli`: the command, where it is not on PATH."""

from exporter.cli.main import main

main()
