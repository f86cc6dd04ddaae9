"""The status page: what was published, for people."""
