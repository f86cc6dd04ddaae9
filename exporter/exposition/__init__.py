"""Metric families to the bytes that a scrape gets."""
