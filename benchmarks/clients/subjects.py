"""The clients under test, each as `open`, `get`, `post` and `upload`; imported only when chosen.

`get` and `post` give (status, body), `upload` too; `stream` is an async iterator of bytes whose
length nobody is told.
"""

import importlib
import ssl


class Framework:
    """Every library that speaks aiohttp's interface."""

    def __init__(self, name):
        self.library = importlib.import_module(name)

    async def open(self, authority):
        library = self.library
        context = ssl.create_default_context(cafile=authority)
        connector = library.TCPConnector(ssl=context)
        self.session = library.ClientSession(connector=connector)

    async def get(self, url):
        async with self.session.get(url) as response:
            return response.status, await response.read()

    async def post(self, url, document):
        async with self.session.post(url, json=document) as response:
            return response.status, await response.read()

    async def upload(self, url, stream):
        async with self.session.post(url, data=stream) as response:
            return response.status, await response.read()

    async def close(self):
        await self.session.close()


class Httpx:
    def __init__(self):
        self.library = importlib.import_module("httpx")

    async def open(self, authority):
        context = ssl.create_default_context(cafile=authority)
        self.client = self.library.AsyncClient(verify=context, timeout=60)

    async def get(self, url):
        response = await self.client.get(url)
        return response.status_code, response.content

    async def post(self, url, document):
        response = await self.client.post(url, json=document)
        return response.status_code, response.content

    async def upload(self, url, stream):
        response = await self.client.post(url, content=stream)
        return response.status_code, response.content

    async def close(self):
        await self.client.aclose()


class Niquests:
    def __init__(self):
        self.library = importlib.import_module("niquests")

    async def open(self, authority):
        self.session = self.library.AsyncSession(
            pool_connections=4, pool_maxsize=64, disable_http3=True
        )
        self.session.verify = authority
        self.session.trust_env = False

    async def get(self, url):
        response = await self.session.get(url)
        return response.status_code, response.content

    async def post(self, url, document):
        response = await self.session.post(url, json=document)
        return response.status_code, response.content

    async def upload(self, url, stream):
        response = await self.session.post(url, data=stream)
        return response.status_code, response.content

    async def close(self):
        await self.session.close()


class Pyreqwest:
    def __init__(self):
        self.library = importlib.import_module("pyreqwest.client")

    async def open(self, authority):
        with open(authority, "rb") as file:
            pem = file.read()
        builder = self.library.ClientBuilder().add_root_certificate_pem(pem).no_proxy()
        self.client = builder.build()

    async def _answer(self, request):
        response = await request.build().send()
        return response.status, await response.bytes()

    async def get(self, url):
        return await self._answer(self.client.get(url))

    async def post(self, url, document):
        return await self._answer(self.client.post(url).body_json(document))

    async def upload(self, url, stream):
        return await self._answer(self.client.post(url).body_stream(stream))

    async def close(self):
        await self.client.close()


class Rnet:
    def __init__(self):
        self.library = importlib.import_module("rnet")

    async def open(self, authority):
        import pathlib

        self.client = self.library.Client(verify=pathlib.Path(authority), no_proxy=True)

    async def _answer(self, response):
        return response.status, await response.bytes()

    async def get(self, url):
        return await self._answer(await self.client.get(url))

    async def post(self, url, document):
        return await self._answer(await self.client.post(url, json=document))

    async def upload(self, url, stream):
        return await self._answer(await self.client.post(url, body=stream))

    async def close(self):
        """Nothing is to be closed by hand."""


def make(name):
    """The subject called `name`; ImportError where it is not installed."""
    if name in ("tercel", "aiohttp"):
        return Framework(name)
    return {"httpx": Httpx, "niquests": Niquests, "pyreqwest": Pyreqwest, "rnet": Rnet}[name]()
