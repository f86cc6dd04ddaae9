"""Platforms that a definition file describes (docs/declared-platforms.md); who reads the file is not known here."""
