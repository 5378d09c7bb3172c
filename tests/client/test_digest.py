"""Digest authentication: the RFC's own figures, the handshake, and where it must not go."""

import hashlib
import re
from collections.abc import AsyncIterator, Callable

import pytest
from yarl import URL

import tercel
from tercel.client.digest import DigestAuthMiddleware, DigestSpace, read_challenge
from tercel.client.errors import ClientError
from tests.client.peer import Asked, Peer, answer, scripted, serving_peer

HERE = URL("http://www.example.org/dir/index.html")
RFC_7616 = (
    'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={}, '
    'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", '
    'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
)
CNONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"


def parameters(field: str) -> dict[str, str]:
    assert field.startswith("Digest ")
    found = re.findall(r'(\w+)=(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))', field)
    return {name: re.sub(r"\\(.)", r"\1", quoted) or token for name, quoted, token in found}


def space_of(field: str, url: URL = HERE) -> DigestSpace:
    found = read_challenge([field], url)
    assert found is not None
    return found[0]


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_example_of_the_rfc(algorithm: str, response: str) -> None:
    """RFC 7616 section 3.9.1."""
    space = space_of(RFC_7616.format(algorithm))
    field = space.answer("Mufasa", "Circle of Life", "GET", "/dir/index.html", None, cnonce=CNONCE)
    found = parameters(field)
    assert found["response"] == response
    assert found["qop"] == "auth"
    assert found["nc"] == "00000001"
    assert f"algorithm={algorithm}," in field
    assert "qop=auth," in field


def test_the_example_with_a_hashed_name() -> None:
    """RFC 7616 section 3.9.2, by its parts: SHA-512-256 with userhash and a name beyond ASCII."""
    space = space_of(
        'Digest realm="api@example.org", qop="auth", algorithm=SHA-512-256, '
        'nonce="5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", '
        'opaque="HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS", charset=UTF-8, userhash=true'
    )
    found = parameters(space.answer("Jäsøn Doe", "Secret, or not?", "GET", "/doe.json"))
    digest = hashlib.new("sha512_256", "Jäsøn Doe:api@example.org".encode()).hexdigest()
    assert found["username"] == digest
    assert found["userhash"] == "true"


def test_the_old_way_without_qop() -> None:
    """RFC 2069, with the corrected figure of its erratum."""
    space = space_of(
        'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", '
        'opaque="5ccc069c403ebaf9f0171e9517f40e41"'
    )
    found = parameters(space.answer("Mufasa", "CircleOfLife", "GET", "/dir/index.html"))
    assert found["response"] == "1949323746fe6a43ef61f9606e7febea"
    assert not {"qop", "nc", "cnonce"} & found.keys()


def md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def test_session_variant() -> None:
    space = space_of('Digest realm="r", nonce="n", qop="auth", algorithm=MD5-sess')
    found = parameters(space.answer("u", "p", "GET", "/", cnonce="c"))
    secret = md5(md5("u:r:p") + ":n:c")
    assert found["response"] == md5(f"{secret}:n:00000001:c:auth:{md5('GET:/')}")
    assert found["algorithm"] == "MD5-sess"


def test_integrity_of_the_body() -> None:
    space = space_of('Digest realm="r", nonce="n", qop="auth-int"')
    found = parameters(space.answer("u", "p", "POST", "/", b"body", cnonce="c"))
    asked = md5(f"POST:/:{md5('body')}")
    assert found["response"] == md5(f"{md5('u:r:p')}:n:00000001:c:auth-int:{asked}")
    assert found["qop"] == "auth-int"


def test_counts_go_up_and_begin_anew_with_a_nonce() -> None:
    space = space_of('Digest realm="r", nonce="n", qop="auth"')
    counts = [parameters(space.answer("u", "p", "GET", "/"))["nc"] for _ in range(17)]
    assert counts[0] == "00000001"
    assert counts[16] == "00000011"
    space.renew("m")
    assert parameters(space.answer("u", "p", "GET", "/"))["nc"] == "00000001"


@pytest.mark.parametrize(
    ("challenge", "sentence"),
    [
        ('Digest nonce="n"', "Missing 'realm'"),
        ('Digest realm="r"', "Missing 'nonce'"),
        ('Digest realm="r", nonce=""', "empty 'nonce'"),
        ('Digest realm="r", nonce="n", algorithm=ROT13', "Unsupported hash algorithm: ROT13"),
        ('Digest realm="r", nonce="n", qop="auth-magic"', "auth-magic"),
    ],
)
def test_challenges_that_can_not_be_answered(challenge: str, sentence: str) -> None:
    with pytest.raises(ClientError, match=re.escape(sentence)):
        read_challenge([challenge], HERE)
    found = read_challenge([challenge, 'Digest realm="good", nonce="n"'], HERE)
    assert found is not None
    assert found[0].realm == "good"


def test_other_schemes_are_none_of_its_business() -> None:
    assert read_challenge(['Basic realm="x"', "Negotiate"], HERE) is None
    assert read_challenge([], HERE) is None


@pytest.mark.parametrize(
    ("domain", "url", "wanted"),
    [
        ("", "http://www.example.org/any", True),
        ("", "https://www.example.org/any", False),
        ("", "http://www.example.org:81/any", False),
        ("/a", "http://www.example.org/a", True),
        ("/a", "http://www.example.org/a/b", True),
        ("/a", "http://www.example.org/ab", False),
        ("/a /b", "http://www.example.org/b?q", True),
        ("sub/", "http://www.example.org/dir/sub/x", True),
        ("http://other.org/x", "http://other.org/x/y", True),
        ("http://other.org/x", "http://www.example.org/x", False),
        ("ftp://other.org/", "ftp://other.org/", False),
        ("http://[bad", "http://bad/", False),
    ],
)
def test_protection_space(domain: str, url: str, wanted: bool) -> None:
    space = space_of(f'Digest realm="r", nonce="n", domain="{domain}"')
    assert space.covers(URL(url)) is wanted


# --- the handshake ---------------------------------------------------------------------------

CHALLENGE = 'Digest realm="r", nonce="n1", qop="auth", opaque="o"'


def refuse(challenge: str = CHALLENGE) -> bytes:
    return answer(401, b"no", ("WWW-Authenticate", challenge))


def fields_of(peer: Peer) -> list[str | None]:
    return [asked.get("Authorization") for asked in peer.asked]


def check(asked: Asked, password: str = "pass") -> bool:
    """What a server does: work out the same response."""
    found = parameters(asked.get("Authorization") or "")
    proof = md5(
        f"{md5(f'user:r:{password}')}:{found['nonce']}:{found['nc']}:{found['cnonce']}:auth:"
        f"{md5(f'{asked.method}:{asked.target}')}"
    )
    return found["response"] == proof and found["uri"] == asked.target


@pytest.fixture
async def session() -> AsyncIterator[Callable[..., tercel.ClientSession]]:
    made = []

    def make(middleware: DigestAuthMiddleware | None = None) -> tercel.ClientSession:
        middleware = middleware or DigestAuthMiddleware("user", "pass")
        made.append(tercel.ClientSession(middlewares=(middleware,)))
        return made[-1]

    yield make
    for each in made:
        await each.close()


Make = Callable[..., tercel.ClientSession]


async def test_handshake_and_preemption(session: Make) -> None:
    client = session()
    async with serving_peer(scripted(refuse(), answer(200, b"in"))) as peer:
        for path in ("/a?q=1", "/b"):
            async with client.get(peer.url + path) as response:
                assert response.status == 200
        await client.close()
    assert [asked.target for asked in peer.asked] == ["/a?q=1", "/a?q=1", "/b"]
    assert fields_of(peer)[0] is None
    assert all(check(asked) for asked in peer.asked[1:])
    assert [parameters(field or "")["nc"] for field in fields_of(peer)[1:]] == [
        "00000001",
        "00000002",
    ]


async def test_without_preemption(session: Make) -> None:
    client = session(DigestAuthMiddleware("user", "pass", preemptive=False))
    async with serving_peer(scripted(refuse(), answer(), refuse(), answer())) as peer:
        for _ in range(2):
            async with client.get(peer.url) as response:
                assert response.status == 200
        await client.close()
    assert [field is None for field in fields_of(peer)] == [True, False, True, False]


async def test_a_wrong_password_is_tried_once(session: Make) -> None:
    client = session()
    async with serving_peer(scripted(refuse())) as peer:
        async with client.get(peer.url) as response:
            assert response.status == 401
            assert await response.read() == b"no"
        await client.close()
    assert len(peer.asked) == 2


async def test_a_stale_nonce_is_replaced(session: Make) -> None:
    client = session()
    stale = CHALLENGE.replace("n1", "n2") + ", stale=true"
    async with serving_peer(scripted(refuse(), answer(), refuse(stale), answer())) as peer:
        for _ in range(2):
            async with client.get(peer.url) as response:
                assert response.status == 200
        await client.close()
    nonces = [parameters(field)["nonce"] for field in fields_of(peer) if field]
    assert nonces == ["n1", "n1", "n2"]


async def test_a_server_that_calls_every_nonce_stale(session: Make) -> None:
    client = session()
    async with serving_peer(scripted(refuse(CHALLENGE + ", stale=true"))) as peer:
        async with client.get(peer.url) as response:
            assert response.status == 401
        await client.close()
    assert len(peer.asked) == 3


async def test_the_next_nonce(session: Make) -> None:
    client = session()
    told = answer(200, b"", ("Authentication-Info", 'nextnonce="n9", qop=auth'))
    async with serving_peer(scripted(refuse(), told)) as peer:
        for _ in range(2):
            async with client.get(peer.url) as response:
                assert response.status == 200
        await client.close()
    found = [parameters(field) for field in fields_of(peer) if field]
    assert [each["nonce"] for each in found] == ["n1", "n9"]
    assert found[1]["nc"] == "00000001"


async def test_the_body_is_sent_again(session: Make) -> None:
    client = session()
    async with serving_peer(
        scripted(refuse(CHALLENGE.replace("auth", "auth-int")), answer())
    ) as peer:
        async with client.post(peer.url, data=b"body") as response:
            assert response.status == 200
        await client.close()
    assert [asked.body for asked in peer.asked] == [b"body", b"body"]


async def test_a_body_that_can_not_be_sent_again(session: Make) -> None:
    async def stream() -> AsyncIterator[bytes]:
        yield b"once"

    client = session()
    async with serving_peer(scripted(refuse())) as peer:
        async with client.post(peer.url, data=stream()) as response:
            assert response.status == 401
        await client.close()
    assert len(peer.asked) == 1


async def test_another_origin_sees_nothing(session: Make) -> None:
    """Family 28: a redirect elsewhere carries no answer, and a challenge there gets none."""
    client = session()
    async with serving_peer(scripted(refuse())) as other:
        away = answer(302, b"", ("Location", other.url + "/x"))
        async with serving_peer(scripted(refuse(), answer(), away)) as peer:
            async with client.get(peer.url):
                pass
            async with client.get(peer.url) as response:
                assert response.status == 401
            async with client.get(other.url) as response:
                assert response.status == 401
            await client.close()
    assert fields_of(other) == [None, None]


async def test_another_origin_within_the_space(session: Make) -> None:
    client = session()
    async with serving_peer(scripted(answer())) as other:
        challenge = CHALLENGE + f', domain="/ {other.url}/in"'
        async with serving_peer(scripted(refuse(challenge), answer())) as peer:
            async with client.get(peer.url):
                pass
            for path in ("/in/x", "/out"):
                async with client.get(other.url + path):
                    pass
            await client.close()
    assert [field is None for field in fields_of(other)] == [False, True]


async def test_another_origin_can_not_widen_the_space(session: Make) -> None:
    client = session()
    async with serving_peer(scripted(answer())) as third:
        wider = CHALLENGE + f', domain="{third.url}/", stale=true'
        async with serving_peer(scripted(refuse(wider), answer())) as other:
            challenge = CHALLENGE + f', domain="/ {other.url}/"'
            async with serving_peer(scripted(refuse(challenge), answer())) as peer:
                for url in (peer.url, other.url, third.url):
                    async with client.get(url):
                        pass
                await client.close()
    assert fields_of(third) == [None]


async def test_an_authorization_of_another_kind_is_left_alone(session: Make) -> None:
    client = session()
    async with serving_peer(scripted(refuse())) as peer:
        headers = {"Authorization": "Bearer x"}
        async with client.get(peer.url, headers=headers) as response:
            assert response.status == 401
        await client.close()
    assert fields_of(peer) == ["Bearer x"]


async def test_a_challenge_without_sense_is_an_error(session: Make) -> None:
    client = session()
    async with serving_peer(scripted(refuse('Digest realm="r"'))) as peer:
        with pytest.raises(ClientError, match="nonce"):
            await client.get(peer.url)
        await client.close()


@pytest.mark.parametrize(
    ("login", "password"), [(None, "x"), ("a", None), ("a:b", "c"), ("a\r", "")]
)
def test_credentials_that_can_not_be_used(login: str, password: str) -> None:
    with pytest.raises(ValueError):
        DigestAuthMiddleware(login, password)
