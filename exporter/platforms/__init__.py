"""The platforms that come with the exporter, found through entry points in pyproject.toml as plugins are."""
