"""The resolvers under their documented path: `from tercel.resolver import AsyncResolver`.

`DefaultResolver` is the one that a connector makes for itself.
"""

from tercel.net.resolve import AsyncResolver, ThreadedResolver, choose_resolver

__all__ = ("AsyncResolver", "DefaultResolver", "ThreadedResolver")

DefaultResolver = choose_resolver()
