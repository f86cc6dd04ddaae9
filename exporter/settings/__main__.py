"""Prints the example file (`python -m exporter.settings`) or the manual's table (`... table`)."""

import sys

from exporter.settings.example import example, table

sys.stdout.write(table() if sys.argv[1:] == ["table"] else example())
