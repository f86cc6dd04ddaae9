"""Held days to metric families; pure, knows no text format."""
