from tercel import hdrs as hdrs
from tercel._build import COMPILED as COMPILED
from tercel._version import __version__ as __version__
from tercel.client.auth import (
    BasicAuth as BasicAuth,
)
from tercel.client.auth import (
    encode_basic_auth as encode_basic_auth,
)
from tercel.client.connector import (
    BaseConnector as BaseConnector,
)
from tercel.client.connector import (
    Connection as Connection,
)
from tercel.client.connector import (
    NamedPipeConnector as NamedPipeConnector,
)
from tercel.client.connector import (
    TCPConnector as TCPConnector,
)
from tercel.client.connector import (
    UnixConnector as UnixConnector,
)
from tercel.client.cookies import (
    CookieJar as CookieJar,
)
from tercel.client.cookies import (
    DummyCookieJar as DummyCookieJar,
)
from tercel.client.digest import (
    DigestAuthMiddleware as DigestAuthMiddleware,
)
from tercel.client.errors import (
    ClientConnectionError as ClientConnectionError,
)
from tercel.client.errors import (
    ClientConnectionResetError as ClientConnectionResetError,
)
from tercel.client.errors import (
    ClientConnectorCertificateError as ClientConnectorCertificateError,
)
from tercel.client.errors import (
    ClientConnectorDNSError as ClientConnectorDNSError,
)
from tercel.client.errors import (
    ClientConnectorError as ClientConnectorError,
)
from tercel.client.errors import (
    ClientConnectorSSLError as ClientConnectorSSLError,
)
from tercel.client.errors import (
    ClientError as ClientError,
)
from tercel.client.errors import (
    ClientHttpProxyError as ClientHttpProxyError,
)
from tercel.client.errors import (
    ClientOSError as ClientOSError,
)
from tercel.client.errors import (
    ClientPayloadError as ClientPayloadError,
)
from tercel.client.errors import (
    ClientProxyConnectionError as ClientProxyConnectionError,
)
from tercel.client.errors import (
    ClientResponseError as ClientResponseError,
)
from tercel.client.errors import (
    ClientSSLError as ClientSSLError,
)
from tercel.client.errors import (
    ConnectionTimeoutError as ConnectionTimeoutError,
)
from tercel.client.errors import (
    ContentTypeError as ContentTypeError,
)
from tercel.client.errors import (
    FingerprintMismatch as FingerprintMismatch,
)
from tercel.client.errors import (
    InvalidURL as InvalidURL,
)
from tercel.client.errors import (
    InvalidUrlClientError as InvalidUrlClientError,
)
from tercel.client.errors import (
    InvalidUrlRedirectClientError as InvalidUrlRedirectClientError,
)
from tercel.client.errors import (
    NonHttpUrlClientError as NonHttpUrlClientError,
)
from tercel.client.errors import (
    NonHttpUrlRedirectClientError as NonHttpUrlRedirectClientError,
)
from tercel.client.errors import (
    RedirectClientError as RedirectClientError,
)
from tercel.client.errors import (
    ServerConnectionError as ServerConnectionError,
)
from tercel.client.errors import (
    ServerDisconnectedError as ServerDisconnectedError,
)
from tercel.client.errors import (
    ServerFingerprintMismatch as ServerFingerprintMismatch,
)
from tercel.client.errors import (
    ServerTimeoutError as ServerTimeoutError,
)
from tercel.client.errors import (
    SocketTimeoutError as SocketTimeoutError,
)
from tercel.client.errors import (
    TooManyRedirects as TooManyRedirects,
)
from tercel.client.errors import (
    UnixClientConnectorError as UnixClientConnectorError,
)
from tercel.client.errors import (
    UploadAbortedError as UploadAbortedError,
)
from tercel.client.errors import (
    WSMessageTypeError as WSMessageTypeError,
)
from tercel.client.errors import (
    WSServerHandshakeError as WSServerHandshakeError,
)
from tercel.client.eventsource import (
    EventSource as EventSource,
)
from tercel.client.eventsource import (
    ServerSentEvent as ServerSentEvent,
)
from tercel.client.informational import InformationalResponse as InformationalResponse
from tercel.client.middleware import (
    ClientHandlerType as ClientHandlerType,
)
from tercel.client.middleware import (
    ClientMiddlewareType as ClientMiddlewareType,
)
from tercel.client.options import (
    ClientTimeout as ClientTimeout,
)
from tercel.client.options import (
    RequestInfo as RequestInfo,
)
from tercel.client.request import (
    ClientRequest as ClientRequest,
)
from tercel.client.response import (
    ClientResponse as ClientResponse,
)
from tercel.client.retry import (
    RetryBudget as RetryBudget,
)
from tercel.client.retry import (
    RetryMiddleware as RetryMiddleware,
)
from tercel.client.send import (
    UploadTracker as UploadTracker,
)
from tercel.client.session import (
    ClientSession as ClientSession,
)
from tercel.client.session import (
    request as request,
)
from tercel.client.tracing import (
    TraceConfig as TraceConfig,
)
from tercel.client.tracing import (
    TraceConnectionCreateEndParams as TraceConnectionCreateEndParams,
)
from tercel.client.tracing import (
    TraceConnectionCreateStartParams as TraceConnectionCreateStartParams,
)
from tercel.client.tracing import (
    TraceConnectionQueuedEndParams as TraceConnectionQueuedEndParams,
)
from tercel.client.tracing import (
    TraceConnectionQueuedStartParams as TraceConnectionQueuedStartParams,
)
from tercel.client.tracing import (
    TraceConnectionReuseconnParams as TraceConnectionReuseconnParams,
)
from tercel.client.tracing import (
    TraceDnsCacheHitParams as TraceDnsCacheHitParams,
)
from tercel.client.tracing import (
    TraceDnsCacheMissParams as TraceDnsCacheMissParams,
)
from tercel.client.tracing import (
    TraceDnsResolveHostEndParams as TraceDnsResolveHostEndParams,
)
from tercel.client.tracing import (
    TraceDnsResolveHostStartParams as TraceDnsResolveHostStartParams,
)
from tercel.client.tracing import (
    TraceRequestChunkSentParams as TraceRequestChunkSentParams,
)
from tercel.client.tracing import (
    TraceRequestEndParams as TraceRequestEndParams,
)
from tercel.client.tracing import (
    TraceRequestExceptionParams as TraceRequestExceptionParams,
)
from tercel.client.tracing import (
    TraceRequestHeadersSentParams as TraceRequestHeadersSentParams,
)
from tercel.client.tracing import (
    TraceRequestRedirectParams as TraceRequestRedirectParams,
)
from tercel.client.tracing import (
    TraceRequestStartParams as TraceRequestStartParams,
)
from tercel.client.tracing import (
    TraceResponseChunkReceivedParams as TraceResponseChunkReceivedParams,
)
from tercel.client.trust import (
    Fingerprint as Fingerprint,
)
from tercel.client.websocket import (
    ClientWebSocketResponse as ClientWebSocketResponse,
)
from tercel.client.websocket import (
    ClientWSTimeout as ClientWSTimeout,
)
from tercel.content.assembly import (
    MultipartWriter as MultipartWriter,
)
from tercel.content.chainmap import (
    ChainMapProxy as ChainMapProxy,
)
from tercel.content.dispositions import (
    BadContentDispositionHeader as BadContentDispositionHeader,
)
from tercel.content.dispositions import (
    BadContentDispositionParam as BadContentDispositionParam,
)
from tercel.content.dispositions import (
    parse_content_disposition as parse_content_disposition,
)
from tercel.content.form import (
    FormData as FormData,
)
from tercel.content.listener import (
    WebSocketListener as WebSocketListener,
)
from tercel.content.multipart import (
    MultipartReader as MultipartReader,
)
from tercel.content.multipart import (
    MultipartResponseWrapper as MultipartResponseWrapper,
)
from tercel.content.parts import (
    BodyPartReader as BodyPartReader,
)
from tercel.content.parts import (
    BodyPartReaderPayload as BodyPartReaderPayload,
)
from tercel.content.payload import (
    PAYLOAD_REGISTRY as PAYLOAD_REGISTRY,
)
from tercel.content.payload import (
    AsyncIterablePayload as AsyncIterablePayload,
)
from tercel.content.payload import (
    BufferedReaderPayload as BufferedReaderPayload,
)
from tercel.content.payload import (
    BytesIOPayload as BytesIOPayload,
)
from tercel.content.payload import (
    BytesPayload as BytesPayload,
)
from tercel.content.payload import (
    IOBasePayload as IOBasePayload,
)
from tercel.content.payload import (
    JsonPayload as JsonPayload,
)
from tercel.content.payload import (
    Payload as Payload,
)
from tercel.content.payload import (
    StringIOPayload as StringIOPayload,
)
from tercel.content.payload import (
    StringPayload as StringPayload,
)
from tercel.content.payload import (
    TextIOPayload as TextIOPayload,
)
from tercel.content.payload import (
    get_payload as get_payload,
)
from tercel.content.payload import (
    payload_type as payload_type,
)
from tercel.content.streamer import (
    streamer as streamer,
)
from tercel.net.dataqueue import (
    DataQueue as DataQueue,
)
from tercel.net.dataqueue import (
    FlowControlDataQueue as FlowControlDataQueue,
)
from tercel.net.dial import (
    AddrInfoType as AddrInfoType,
)
from tercel.net.dial import (
    SocketFactoryType as SocketFactoryType,
)
from tercel.net.listening import (
    WebSocketTransport as WebSocketTransport,
)
from tercel.net.resolve import (
    AsyncResolver as AsyncResolver,
)
from tercel.net.resolve import (
    ThreadedResolver as ThreadedResolver,
)
from tercel.net.streams import (
    EMPTY_PAYLOAD as EMPTY_PAYLOAD,
)
from tercel.net.streams import (
    EofStream as EofStream,
)
from tercel.net.streams import (
    StreamReader as StreamReader,
)
from tercel.resolver import (
    DefaultResolver as DefaultResolver,
)
from tercel.web.worker import (
    GunicornUVLoopWebWorker as GunicornUVLoopWebWorker,
)
from tercel.web.worker import (
    GunicornWebWorker as GunicornWebWorker,
)
from tercel.wire.libraries import (
    set_zlib_backend as set_zlib_backend,
)
from tercel.wire.media import (
    content_disposition_filename as content_disposition_filename,
)
from tercel.wire.ranges import (
    ETag as ETag,
)
from tercel.wire.version import (
    HttpVersion as HttpVersion,
)
from tercel.wire.version import (
    HttpVersion10 as HttpVersion10,
)
from tercel.wire.version import (
    HttpVersion11 as HttpVersion11,
)
from tercel.wire.ws.codes import (
    WebSocketError as WebSocketError,
)
from tercel.wire.ws.codes import (
    WSCloseCode as WSCloseCode,
)
from tercel.wire.ws.codes import (
    WSMessage as WSMessage,
)
from tercel.wire.ws.codes import (
    WSMsgType as WSMsgType,
)
