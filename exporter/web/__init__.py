"""The HTTP server: serves what was published; it never sends a request to a platform."""
