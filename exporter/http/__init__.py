"""The one HTTP client: key, rate limit, retries, time-out, size cap; knows no report's shape and no Prometheus.

client      one request as a sequence of attempts: key, rate limit, retry budget, how long to wait
connection  base URL, trusted certificates
proxy       which proxy a request goes through, by the configuration or the environment
endpoint    what a client is given: where to ask, as whom, within which limits, who observes it
request     a request as it goes out, as messages speak of it; cleans foreign text
key_mask    takes the key out of what a platform sends
response    what an answer says: the body of a good one, without holding more than allowed, else the error
errors      what httpx raises, as errors of ours
link        what a link in an answer may point to
download    a file behind such a link
"""

from exporter.http.client import Client, RetryBudget
from exporter.http.connection import tls_context
from exporter.http.endpoint import ClientLimits, Endpoint, Observer, is_loopback

__all__ = ["Client", "ClientLimits", "Endpoint", "Observer", "RetryBudget", "is_loopback", "tls_context"]
