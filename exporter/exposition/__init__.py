"""Metric families to the bytes of a scrape."""
