"""client_reference.rst: TLS by context, by fingerprint and by the parameters of old."""

import hashlib
import ssl
import subprocess

import pytest
from yarl import URL

from tests.documented.site import reply
from tests.peers import require_program

# TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for localhost of its own: paths of certificate and key."""
    require_program("openssl")
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-keyout",
            str(folder / "key"),
            "-out",
            str(folder / "cert"),
            "-days",
            "2",
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=DNS:localhost",
        ],
        check=True,
        capture_output=True,
    )
    return folder / "cert", folder / "key"


@pytest.fixture
async def secure(site, certificate):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    there = await site(reply("secure"), ssl_context=context)
    there.host = "localhost"
    return there


@pytest.fixture
def trust(certificate):
    return ssl.create_default_context(cafile=str(certificate[0]))


def digest_of(certificate):
    pem = certificate[0].read_text()
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).digest()


@pytest.mark.parametrize("where", ["request", "connector"])
async def test_ssl_context(secure, trust, aiohttp, where):
    connector = aiohttp.TCPConnector(ssl=trust if where == "connector" else True)
    options = {"ssl": trust} if where == "request" else {}
    async with aiohttp.ClientSession(connector=connector) as session:
        async with session.get(secure.url, **options) as resp:
            assert await resp.text() == "secure"


@pytest.mark.loop_errors
async def test_verification_is_on(secure, session, aiohttp):
    with pytest.raises(aiohttp.ClientConnectorCertificateError) as caught:
        await session.get(secure.url)
    assert isinstance(caught.value, ssl.CertificateError)
    assert isinstance(caught.value, aiohttp.ClientSSLError)
    assert isinstance(caught.value.certificate_error, Exception)


async def test_ssl_false(secure, session):
    async with session.get(secure.url, ssl=False) as resp:
        assert await resp.text() == "secure"


@pytest.mark.loop_errors
async def test_wrong_host(secure, session, trust, aiohttp):
    with pytest.raises(aiohttp.ClientConnectorCertificateError):
        await session.get(secure.url.replace("localhost", "127.0.0.1"), ssl=trust)


async def test_server_hostname(secure, session, trust):
    url = secure.url.replace("localhost", "127.0.0.1")
    async with session.get(url, ssl=trust, server_hostname="localhost") as resp:
        assert await resp.text() == "secure"


async def test_fingerprint(secure, session, aiohttp, certificate):
    good = aiohttp.Fingerprint(digest_of(certificate))
    assert good.fingerprint == digest_of(certificate)
    async with session.get(secure.url, ssl=good) as resp:
        assert await resp.text() == "secure"


async def test_wrong_fingerprint(secure, session, aiohttp, certificate):
    bad = b"0" * 32
    with pytest.raises(aiohttp.ServerFingerprintMismatch) as caught:
        await session.get(secure.url, ssl=aiohttp.Fingerprint(bad))
    assert caught.value.expected == bad
    assert caught.value.got == digest_of(certificate)


@pytest.mark.parametrize(
    "digest", [b"short", hashlib.md5(b"").digest(), hashlib.sha1(b"").digest()]
)
def test_fingerprints_are_sha256(aiohttp, digest):
    with pytest.raises(ValueError):
        aiohttp.Fingerprint(digest)


@pytest.mark.parametrize(
    "options",
    [{"verify_ssl": False, "ssl_context": True}, {"fingerprint": b"0" * 32, "verify_ssl": False}],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_old_options_exclude_each_other(session, options):
    if "ssl_context" in options:
        options = {**options, "ssl_context": ssl.create_default_context()}
    with pytest.raises(ValueError):
        await session.get("https://localhost/", **options)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_old_options(secure, session, trust, certificate):
    for options in (
        {"verify_ssl": False},
        {"ssl_context": trust},
        {"fingerprint": digest_of(certificate)},
    ):
        async with session.get(secure.url, **options) as resp:
            assert await resp.text() == "secure"


@pytest.mark.parametrize("wrong", ["yes", 5])
async def test_ssl_of_another_type(session, wrong):
    with pytest.raises(TypeError):
        await session.get("https://localhost/", ssl=wrong)


# BasicAuth


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_basic_auth(aiohttp):
    auth = aiohttp.BasicAuth("nkim", "pwd")
    assert (auth.login, auth.password, auth.encoding) == ("nkim", "pwd", "latin1")
    assert auth.encode() == "Basic bmtpbTpwd2Q="
    assert aiohttp.BasicAuth.decode("Basic bmtpbTpwd2Q=") == auth
    assert aiohttp.BasicAuth.from_url(URL("http://nkim:pwd@h/")) == auth
    assert aiohttp.BasicAuth.from_url(URL("http://h/")) is None
    login, password, _ = auth
    assert (login, password) == ("nkim", "pwd")


@pytest.mark.parametrize(
    "header", ["nonsense", "Basic", "Bearer abc", "Basic !!!", "Basic bmtpbQ=="]
)
def test_basic_auth_of_nonsense(aiohttp, header):
    with pytest.raises(ValueError):
        aiohttp.BasicAuth.decode(header)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_basic_auth_refuses(aiohttp):
    for arguments in (("a:b", "c"), (None, "b"), ("a", None)):
        with pytest.raises(ValueError):
            aiohttp.BasicAuth(*arguments)
