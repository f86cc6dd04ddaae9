"""Assembles the parts: running sources, reload, the life of the process."""
