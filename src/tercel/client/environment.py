"""What the environment says about proxies, for sessions with `trust_env`.

In: a URL; the variables HTTP_PROXY, HTTPS_PROXY, WS_PROXY, WSS_PROXY and NO_PROXY, or the system's
settings. Out: the proxy's URL without credentials, and these (client_advanced, "Proxy support").
"""

from __future__ import annotations

from yarl import URL

from tercel.client.auth import BasicAuth, find_netrc_auth

__all__ = ("find_environment_proxy", "split_credentials")


def split_credentials(url: URL) -> tuple[URL, BasicAuth | None]:
    """A URL without its credentials, and these."""
    if url.raw_user is None and url.raw_password is None:
        return url, None
    return url.with_user(None), BasicAuth(url.user or "", url.password or "")


def find_environment_proxy(url: URL) -> tuple[URL | None, BasicAuth | None]:
    """The proxy for requests to `url`, and its credentials; None where there is none.

    Credentials of the proxy's URL come before those of the netrc file.
    """
    from urllib.request import getproxies, proxy_bypass

    found = getproxies().get(url.scheme)
    if not found:
        return None, None
    # NO_PROXY names hosts, and hosts with a port.
    if url.host is not None and (proxy_bypass(url.host) or proxy_bypass(f"{url.host}:{url.port}")):
        return None, None
    proxy, auth = split_credentials(URL(found))
    if auth is None and proxy.host is not None:
        auth = find_netrc_auth(proxy.host)
    return proxy, auth
