"""The web edge: serves what was published and nothing else; no request ever goes upstream from here."""
