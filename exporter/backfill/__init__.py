"""Backfill: the platform's past, asked in pieces, as one sample per final day for a store of time series."""
