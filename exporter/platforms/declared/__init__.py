"""Platforms described by a definition file (docs/declared-platforms.md); does not read the file."""
