"""People who visit the blog, without a browser's comfort."""

import re
from typing import Any

from tercel import ClientResponse, ClientSession
from tercel.test_utils import TestServer

__all__ = ("PASSWORD", "Visitor")

PASSWORD = "correct horse"
TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


class Visitor:
    """Somebody with a browser: keeps cookies, and sends the token of the last page with forms."""

    def __init__(self, server: TestServer, session: ClientSession) -> None:
        self._server = server
        self._session = session
        self.text = ""
        self.path = ""
        self.status = 0

    async def get(self, path: str) -> str:
        async with self._session.get(self._server.make_url(path)) as response:
            return await self._look(response)

    async def post(self, path: str, data: Any = None, *, token: bool = True) -> str:
        """A form that was sent from the page that was looked at last."""
        fields = dict(data or {})
        if token and (found := TOKEN.search(self.text)):
            fields["csrf_token"] = found[1]
        url = self._server.make_url(path)
        async with self._session.post(url, data=fields) as response:
            return await self._look(response)

    async def _look(self, response: ClientResponse) -> str:
        self.status = response.status
        self.path = response.url.raw_path_qs
        self.text = await response.text()
        return self.text

    async def register(self, name: str) -> None:
        await self.get("/register")
        await self.post("/register", {"name": name, "password": PASSWORD})
        assert f'Log out<span class="who"> {name}</span>' in self.text

    async def write(self, title: str, text: str = "words", **more: Any) -> str:
        """Publish a post; the path of its page."""
        await self.get("/posts/new")
        await self.post("/posts/new", {"title": title, "text": text, **more})
        assert self.status == 200, self.text
        return self.path
