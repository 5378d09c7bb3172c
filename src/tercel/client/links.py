"""Link fields (RFC 8288), with their targets made absolute.

In: the fields of an answer and its URL. Out: from the relation, or the target where there is none,
to the parameters, with the URL at "url".
"""

from __future__ import annotations

from multidict import CIMultiDictProxy, MultiDict, MultiDictProxy
from yarl import URL

__all__ = ("read_links",)


def read_links(
    headers: CIMultiDictProxy[str], url: URL
) -> MultiDictProxy[MultiDictProxy[str | URL]]:
    """The links that an answer to a request for `url` has (client_reference, "links")."""
    links: MultiDict[MultiDictProxy[str | URL]] = MultiDict()
    field = ", ".join(headers.getall("Link", []))
    if field:
        from tercel.wire.links import parse_links

        for target, parameters in parse_links(field):
            link: MultiDict[str | URL] = MultiDict(parameters)
            key = parameters.get("rel", target)
            link["url"] = url.join(URL(target))
            links.add(str(key), MultiDictProxy(link))
    return MultiDictProxy(links)
