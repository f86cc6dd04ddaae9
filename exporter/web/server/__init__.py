"""Sockets, TLS and users in front of the application."""
