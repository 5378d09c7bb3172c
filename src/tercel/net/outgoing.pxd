cimport cython

from tercel.net.protocol cimport WireProtocol, gathers
from tercel.net.sending cimport Draining, Failed
from tercel.wire.ws.connection cimport Connection
from tercel.wire.ws.deflate cimport Deflater
from tercel.wire.ws.frames cimport encode_frame_head

cdef object _SENT
cdef object _Lost
cdef Py_ssize_t _JOIN_LIMIT
cdef Py_ssize_t _MAX_CORKED
cdef bytes _keys
cdef Py_ssize_t _used

@cython.locals(pos=Py_ssize_t)
cpdef bytes next_key()

cdef int _level_of(compress) except -2


cdef class Outgoing:
    cdef list _corked
    cdef Py_ssize_t _corked_octets
    cdef bint _is_client
    cdef bint _is_corking
    cdef bint _joins
    cdef bytes _owed_pong
    cdef object _window
    cdef readonly Connection _wire
    cdef readonly bint is_lost
    cdef readonly WireProtocol protocol
    cdef readonly bint sent_close

    cdef _know_transport(self, transport)
    cdef bint _sends_more(self) except -1

    @cython.locals(size=Py_ssize_t, key=bytes, frame=bytes, deflater=Deflater, is_watched=bint)
    cdef _write(self, int opcode, bytes payload, int level)

    @cython.locals(corked=list)
    cdef _put(self, bytes frame, bint may_wait)

    @cython.locals(corked=list)
    cdef _flush(self)

    cdef _answer_ping(self, bytes data)

    cpdef bint send(self, int opcode, bytes payload, int level=*) except -1

    @cython.locals(level=int)
    cpdef post(self, int opcode, bytes payload, compress)

    @cython.locals(payload=bytes)
    cpdef post_text(self, data, compress)

    cpdef post_bytes(self, data, compress)
    cpdef bint send_encoded(self, bytes frame) except -1
    cdef _check_open(self)
    cdef _pay_pong(self)
