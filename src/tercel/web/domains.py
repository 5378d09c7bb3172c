"""Rules for host names: which sub-application answers for which domain (web_reference, add_domain).

In: "example.com", "*.example.com", "example.com:8080". Out: `matches(host)`. Case does not count,
nor does a final dot; a rule without a port holds for every port. Hosts that are not ASCII are
compared in their IDNA form.
"""

import re
from typing import Any

from yarl import URL

__all__ = ("Domain", "MaskDomain", "parse_domain")

_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
_MASK_LABEL = re.compile(r"(?!-)[a-z0-9*-]{1,63}(?<!-)")


class Domain:
    """One host name.

    Raises TypeError for what is no str, ValueError for what is no host name.
    """

    _label = _LABEL

    def __init__(self, domain: str) -> None:
        if not isinstance(domain, str):
            raise TypeError("Domain must be str")
        text = domain.strip().lower()
        if not text.rstrip("."):
            raise ValueError("Domain cannot be empty")
        if "://" in text:
            raise ValueError("Scheme not supported")
        host, port = _split_host(text)
        if not host.isascii():
            try:
                host = URL.build(scheme="http", host=host).raw_host or ""
            except ValueError:
                raise ValueError("Domain not valid") from None
        if not all(self._label.fullmatch(label) for label in host.split(".")):
            raise ValueError("Domain not valid")
        if port and not port.isdecimal():
            raise ValueError(f"the port of a domain is a number, got {port!r}")
        self._host = host
        self._port = port

    @property
    def canonical(self) -> str:
        """The host name, with its port where the rule has one."""
        return f"{self._host}:{self._port}" if self._port else self._host

    def matches(self, host: str) -> bool:
        """True where `host`, the value of a Host header, is this one."""
        name, port = _split_host(host.lower())
        if self._port and port != self._port:
            return False
        if not name.isascii():
            try:
                name = URL.build(scheme="http", host=name).raw_host or ""
            except ValueError:
                return False
        return self._accepts(name)

    def _accepts(self, name: str) -> bool:
        return name == self._host

    async def match(self, request: Any) -> bool:
        """True where the host of `request` is this one."""
        return self.matches(request.host)

    def get_info(self) -> dict[str, Any]:
        """The host name."""
        return {"domain": self.canonical}


class MaskDomain(Domain):
    """A host name in which each "*" stands for any text, dots included."""

    _label = _MASK_LABEL

    def __init__(self, domain: str) -> None:
        super().__init__(domain)
        self._regex = re.compile(re.escape(self._host).replace(r"\*", ".*"))

    def _accepts(self, name: str) -> bool:
        return self._regex.fullmatch(name) is not None


def parse_domain(domain: str) -> Domain:
    """The rule for `domain`; see `Domain` for the errors."""
    if isinstance(domain, str) and "*" in domain:
        return MaskDomain(domain)
    return Domain(domain)


def _split_host(host: str) -> tuple[str, str]:
    name, colon, port = host.rpartition(":")
    if not colon or host.endswith("]"):
        name, port = host, ""
    return name.rstrip("."), port
