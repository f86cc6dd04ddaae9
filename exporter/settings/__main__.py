"""Prints the example file (`python -m exporter.settings`) or the manual's table (`... table`)."""

import sys

from exporter.platforms.registry import platforms
from exporter.settings.example_file import example, table

write = table if sys.argv[1:] == ["table"] else example
sys.stdout.write(write(platforms()))
