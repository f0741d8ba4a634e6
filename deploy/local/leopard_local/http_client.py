"""The HTTP client of the local tools."""

import ssl

import httpx2


def http_client(base_url: str = "", *, timeout: float = 30) -> httpx2.Client:
    """Create a client that ignores the caller's proxies.

    Args:
        base_url: Base URL of all paths.
        timeout: Maximum time for an answer, in seconds.
    """
    # with trust_env=False, httpx2 would trust only its own certificates, not those of the system
    return httpx2.Client(base_url=base_url, timeout=timeout, trust_env=False, verify=ssl.create_default_context())
