"""The one HTTP client: key, rate limit, retries, time-out, size cap; knows no report's shape and no Prometheus.

client    one request as a sequence of attempts: key, rate limit, retries
endpoint  what a client is given: where to ask, as whom, within which limits, who is told
pace      clock, patience, rate limit, how long to wait
asked     what was asked, as messages speak of it; cleans foreign text
answers   what an answer says: the body of a good one, else the error
body      reading an answer without holding more than allowed
trust     whose certificates are trusted
failures  what httpx raises, as errors of ours
"""

from exporter.http.client import Client
from exporter.http.endpoint import Endpoint, Limits, Observer, is_loopback
from exporter.http.rate_limit import Clock, RetryBudget
from exporter.http.trust import tls_context

__all__ = ["Client", "Clock", "Endpoint", "Limits", "Observer", "RetryBudget", "is_loopback", "tls_context"]
