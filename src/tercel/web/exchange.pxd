cimport cython

from tercel.net.protocol cimport WireProtocol
from tercel.wire.h1.head cimport RequestHead

cdef object _now
cdef object _VERSION_10
cdef Py_ssize_t _JOIN_LIMIT
cdef Py_ssize_t _UNCOPIED
cdef bytes _standing_lines
cdef bytes _standing_end
cdef double _standing_from
cdef double _standing_until
cdef dict _content_types
cdef Py_ssize_t _MAX_CONTENT_TYPES
cdef dict _plain_starts
cdef list _lengths
cdef bytes _CONTENT_LENGTH
cdef list _sizes
cdef bytes _CRLF
cdef bytes _LAST
cdef bytes _OK
cdef bytes _KEEP_ALIVE
cdef bytes _CLOSE

@cython.locals(now=double, second="long long")
cpdef bytes date_and_server()

@cython.locals(start=bytes)
cdef bytes _plain_start(str kind)

@cython.locals(line=bytes)
cdef bytes _content_type_line(value)


cdef class Exchange:
    cdef bint _chunked
    cdef WireProtocol _connection
    cdef bytes _pending
    cdef object _remaining
    cdef readonly object body
    cdef readonly long long body_bytes_sent
    cdef readonly long long bytes_sent
    cdef readonly bint drops_body
    cdef readonly bint finished
    cdef readonly RequestHead head
    cdef readonly bint head_sent
    cdef public bint keep_alive
    cdef readonly int status
    cdef public object task
    cdef public tuple trailers

    cpdef bint is_tunnel(self) except -1

    @cython.locals(size=Py_ssize_t, start=bytes, data=bytes)
    cpdef respond_plainly(self, str kind, bytes body)

    @cython.locals(size=Py_ssize_t, block=bytes, named=bytes, standing=bytes, connection=bytes, length=bytes, start=bytes, line=bytes)
    cpdef respond(self, int status, reason, fields, bytes body)

    cpdef start(self, int status, reason, headers, length, bint chunked)

    cpdef start_block(self, bytes block, long long length)
    cdef bytes _end_of_head(self)

    cpdef write(self, data)

    @cython.locals(head=bytes, pending=bytes, size=Py_ssize_t)
    cdef _write(self, data, bint may_wait)

    @cython.locals(connection=WireProtocol, octets=bytes, pending=bytes, size=Py_ssize_t)
    cpdef bint write_piece(self, data) except -1

    @cython.locals(pending=bytes, size=Py_ssize_t)
    cpdef finish(self, data=*)

    cpdef send_raw(self, data, Py_ssize_t is_body)
    cpdef note_body(self, long long count)
    cpdef drain(self)
    cdef _flush(self, data)
    @cython.locals(connection=WireProtocol)
    cdef _send(self, data)

    @cython.locals(connection=WireProtocol)
    cdef _gather(self, bytes head, data, bint may_wait)
