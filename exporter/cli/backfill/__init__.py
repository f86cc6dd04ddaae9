"""The command `backfill`: the past, brought into a store."""
