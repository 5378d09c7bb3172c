"""Sessions in a cookie that only the server can read and write (NaCl's SecretBox, of `pynacl`).

In: a key of 32 octets. Out: a storage that keeps nothing on the server; so what a client has copied
stays good until its `max_age` is over, logout or not. Needs `pip install pynacl`.
"""

from typing import Any

import nacl.exceptions
import nacl.secret
from nacl.encoding import URLSafeBase64Encoder

from tercel import web
from tercel.ext.session.state import Session
from tercel.ext.session.storage import AbstractStorage

__all__ = ("NaClCookieStorage",)


class NaClCookieStorage(AbstractStorage):
    """Keeps sessions encrypted in the cookie (aiohttp_session's documentation, NaCl Storage).

    `secret_key` is 32 octets; ValueError for another one. The other parameters are
    `AbstractStorage`'s.
    """

    def __init__(self, secret_key: bytes, **options: Any) -> None:
        super().__init__(**options)
        if not isinstance(secret_key, bytes) or len(secret_key) != nacl.secret.SecretBox.KEY_SIZE:
            raise ValueError("the secret key is 32 octets")
        self._box = nacl.secret.SecretBox(secret_key)

    async def load_session(self, request: web.Request) -> Session:
        """The session in the cookie; a new one where it is absent, not ours, or past its end."""
        cookie = self.load_cookie(request)
        if not cookie:
            return await self.new_session()
        try:
            octets = self._box.decrypt(cookie.encode(), encoder=URLSafeBase64Encoder)
            text = octets.decode()
        except (nacl.exceptions.CryptoError, ValueError, TypeError):
            return await self.new_session()
        return self.load(None, text)

    async def save_session(
        self, request: web.Request, response: web.StreamResponse, session: Session
    ) -> None:
        """Write the session into the cookie, encrypted."""
        token = ""
        if not session.empty:
            text = self.dump(session)
            token = self._box.encrypt(text.encode(), encoder=URLSafeBase64Encoder).decode()
        self.save_cookie(response, token, max_age=session.remaining(self.clock()))
