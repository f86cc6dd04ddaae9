"""Prints the example file (`python -m exporter.settings`) or the manual's table (`... table`)."""

import sys

from exporter.settings.example import example, table
from exporter.source import platforms

write = table if sys.argv[1:] == ["table"] else example
sys.stdout.write(write(platforms()))
