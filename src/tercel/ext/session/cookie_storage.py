"""Sessions in a cookie that only the server can read and write (Fernet, of `cryptography`).

In: a key. Out: a storage that keeps nothing on the server; so what a client has copied stays good
until its `max_age` is over, logout or not. Needs `pip install tercel[session]`.
"""

import base64
import binascii
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from tercel import web
from tercel.ext.session.state import Session
from tercel.ext.session.storage import AbstractStorage

__all__ = ("EncryptedCookieStorage",)

Key = str | bytes | bytearray | Fernet | MultiFernet


class EncryptedCookieStorage(AbstractStorage):
    """Keeps sessions encrypted in the cookie (aiohttp_session's documentation, Cookie Storage).

    `secret_key` is 32 octets; or the same in URL-safe base64, as `Fernet.generate_key()` gives
    them, `str` or `bytes`; or a `Fernet`; or a `MultiFernet`, whose first key encrypts while all
    decrypt. ValueError for another key. The other parameters are `AbstractStorage`'s.
    """

    def __init__(self, secret_key: Key, **options: Any) -> None:
        super().__init__(**options)
        self._fernet = _make_fernet(secret_key)

    async def load_session(self, request: web.Request) -> Session:
        """The session in the cookie; a new one where it is absent, not ours, or past its end."""
        cookie = self.load_cookie(request)
        if not cookie:
            return await self.new_session()
        try:
            text = self._fernet.decrypt(cookie.encode()).decode()
        except (InvalidToken, ValueError):
            return await self.new_session()
        return self.load(None, text)

    async def save_session(
        self, request: web.Request, response: web.StreamResponse, session: Session
    ) -> None:
        """Write the session into the cookie, encrypted."""
        token = ""
        if not session.empty:
            token = self._fernet.encrypt(self.dump(session).encode()).decode()
        self.save_cookie(response, token, max_age=session.remaining(self.clock()))


def _make_fernet(key: Key) -> Fernet | MultiFernet:
    if isinstance(key, Fernet | MultiFernet):
        return key
    octets = key.encode() if isinstance(key, str) else bytes(key)
    if len(octets) != 32 or isinstance(key, str):
        try:
            octets = base64.urlsafe_b64decode(octets)
        except binascii.Error:
            octets = b""
    if len(octets) != 32:
        raise ValueError(
            "the secret key is 32 octets, or those in URL-safe base64, "
            "as cryptography.fernet.Fernet.generate_key() makes it"
        )
    return Fernet(base64.urlsafe_b64encode(octets))
