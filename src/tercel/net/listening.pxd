cimport cython

from tercel.net.awaited cimport Delivery
from tercel.net.channel cimport Channel

cdef object _logger
cdef object _fail_later

cdef bytes _octets(data)
cdef bytes _octets_of(message)


cdef class WebSocketTransport(Delivery):
    cdef Channel _channel
    cdef object _close_timeout
    cdef object _ended
    cdef object _listener
    cdef object _on_binary
    cdef object _on_frame
    cdef object _on_text
    cdef readonly object socket

    cdef tell(self, int kind, payload, bint is_final)
    cdef tell_close(self, int code, str reason)
    cdef tell_writable(self)
    cdef tell_lost(self, error)

    @cython.locals(channel=Channel)
    cdef _fail(self, error)

    @cython.locals(level=int)
    cdef bint _send(self, int opcode, bytes payload, compress) except -1
