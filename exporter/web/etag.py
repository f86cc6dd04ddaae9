"""Compares a version with those that a client says it has (RFC 9110, 13.1.2)."""


def is_known(etag: str, if_none_match: str) -> bool:
    """Tells whether a client has this version; weak and strong tags count alike."""
    known = {each.strip().removeprefix("W/") for each in if_none_match.split(",")}
    return "*" in known or etag.removeprefix("W/") in known
