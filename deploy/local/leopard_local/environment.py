"""The part of the caller's environment that local tools use: variables that locate programs and files, no settings.

It uses only the standard library of the system's Python.
"""

import os

_INHERITED = {
    "DOCKER_API_VERSION",
    "DOCKER_CERT_PATH",
    "DOCKER_CONFIG",
    "DOCKER_CONTEXT",
    "DOCKER_HOST",
    "DOCKER_TLS_VERIFY",
    "DYLD_LIBRARY_PATH",
    "HOME",
    "LANG",
    "LANGUAGE",
    "LD_LIBRARY_PATH",
    "LOGNAME",
    "PATH",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONPYCACHEPREFIX",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TMPDIR",
    "TZ",
    "USER",
    "VIRTUAL_ENV",
    "XDG_RUNTIME_DIR",
}
_FOR_TESTS = ("LEOPARD_TEST_", "LEOPARD_LOCAL_PACKAGES", "LEOPARD_BASE_URL")
_PROXIES = {"http_proxy", "https_proxy", "ftp_proxy", "all_proxy"}

_proxies: dict[str, str] = {}


def inherited_environment() -> dict[str, str]:
    """Return the variables that a process of a stack inherits."""
    return {name: value for name, value in os.environ.items() if name in _INHERITED or name.startswith("LC_")}


def forget_settings() -> None:
    """Remove settings of Leopard, libpq and HTTP proxies from this process's environment.

    Call it once, at the start of a tool or a test run.
    """
    for name in list(os.environ):
        if name.lower() in _PROXIES:
            _proxies[name] = os.environ.pop(name)
        # libpq reads these variables for parts that are missing in a URL
        elif name.startswith("PG") or (name.startswith("LEOPARD_") and not name.startswith(_FOR_TESTS)):
            del os.environ[name]


def download_environment() -> dict[str, str]:
    """Return the environment of programs that download packages. It contains the caller's proxies."""
    return {**os.environ, **_proxies}
