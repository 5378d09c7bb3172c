"""Family 29: a connection is lent again only to a request that agrees with every option of it."""

import pytest
from yarl import URL

from tercel.client.connector import TCPConnector
from tercel.client.errors import ClientConnectorCertificateError
from tercel.client.pool import make_connection_key
from tercel.client.trust import Fingerprint
from tests.certificates import client_context, server_context
from tests.client.asking import Ask, serve

HOST = URL("https://a.example/")
PROXY = URL("http://proxy.example")
OPTIONS = {
    "ssl": [True, False, Fingerprint(b"0" * 32), Fingerprint(b"1" * 32), client_context()],
    "server_hostname": [None, "b.example", "c.example"],
    "proxy": [None, PROXY, URL("https://proxy.example"), PROXY.with_user("joe")],
    "proxy_auth": [None, ("joe", "a"), ("joe", "b")],
    "proxy_headers": [None, {"X": "1"}, {"X": "2"}, {"X": "1", "Y": "1"}],
}


@pytest.mark.parametrize("option", OPTIONS)
def test_every_option_is_in_the_key(option):
    keys = [make_connection_key(HOST, **{option: value}) for value in OPTIONS[option]]
    assert len(set(keys)) == len(OPTIONS[option])


@pytest.mark.loop_errors
async def test_a_verified_name_is_not_lent_to_another():
    """CVE-2026-54275: `server_hostname` decides which certificate is good."""
    async with serve(ssl=server_context("b.example")) as place:
        async with TCPConnector(ssl=client_context()) as connector:
            (await connector.connect(Ask(place.url, server_hostname="b.example"))).release()
            assert connector.stats().idle == 1
            with pytest.raises(ClientConnectorCertificateError):
                await connector.connect(Ask(place.url, server_hostname="c.example"))
            with pytest.raises(ClientConnectorCertificateError):
                await connector.connect(Ask(place.url))


@pytest.mark.loop_errors
async def test_an_unverified_connection_is_not_lent_to_who_verifies():
    async with serve(ssl=server_context()) as place, TCPConnector() as connector:
        (await connector.connect(Ask(place.url, ssl=False))).release()
        with pytest.raises(ClientConnectorCertificateError):
            await connector.connect(Ask(place.url))


async def test_a_direct_connection_is_not_lent_to_who_wants_a_proxy():
    async with serve() as place, serve() as way, TCPConnector() as connector:
        direct = await connector.connect(Ask(place.url))
        protocol = direct.protocol
        direct.release()
        proxied = await connector.connect(Ask(place.url, proxy=way.url))
        assert proxied.protocol is not protocol
        proxied.release()
        again = await connector.connect(Ask(place.url, proxy=way.url))
        assert again.transport.get_extra_info("peername")[1] == way.port
        again.release()
