"""What the local tools take over of their caller's environment: what finds programs and files, never a setting.

Runs on the system's Python with its standard library alone.
"""

import os

_PASSED_ON = {
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


def passed_on() -> dict[str, str]:
    """What a process of a stack inherits; all else that it needs is given to it."""
    return {name: value for name, value in os.environ.items() if name in _PASSED_ON or name.startswith("LC_")}


def forget_settings() -> None:
    """Take out of this process's environment what would steer Leopard, libpq or HTTP clients from outside.

    To be called once, at the start of a tool or a test run.
    """
    for name in list(os.environ):
        if name.lower() in _PROXIES:
            _proxies[name] = os.environ.pop(name)
        # libpq reads variables for whatever a URL leaves open
        elif name.startswith("PG") or (name.startswith("LEOPARD_") and not name.startswith(_FOR_TESTS)):
            del os.environ[name]


def for_downloads() -> dict[str, str]:
    """The environment of programs that fetch packages from elsewhere: the caller's proxies are for them."""
    return {**os.environ, **_proxies}
