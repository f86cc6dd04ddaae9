"""The built-in platforms, found through entry points in pyproject.toml as plugins are."""
