"""Requests to programs on this machine: past every proxy, and with one TLS context, as a new one costs 30 ms."""

import ssl
from functools import partial

import httpx

TRUST = ssl.create_default_context()
get = partial(httpx.get, trust_env=False, verify=TRUST)
post = partial(httpx.post, trust_env=False, verify=TRUST)
