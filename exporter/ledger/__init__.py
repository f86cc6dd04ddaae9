"""Held days: what was read of each day, which days are published, and what was corrected."""
