"""The tools' HTTP client."""

import ssl

import httpx2


def http_client(base_url: str = "", *, timeout: float = 30) -> httpx2.Client:
    """Make a client that no proxy of the caller leads astray.

    Args:
        base_url: What paths are relative to.
        timeout: How long an answer may take, in seconds.
    """
    # without the environment httpx2 would trust its own certificates alone, and not those of the system
    return httpx2.Client(base_url=base_url, timeout=timeout, trust_env=False, verify=ssl.create_default_context())
