"""Puts the parts together: settings to running sources, reload, the life of the process."""
