"""Held days to metric families; pure, and without a word about how they are written."""
