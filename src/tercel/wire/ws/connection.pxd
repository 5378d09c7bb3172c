cimport cython

from tercel.wire.ws.deflate cimport Deflater, Inflater
from tercel.wire.ws.frames cimport encode_frame
from tercel.wire.ws.mask cimport apply_mask, turn_key, unmask

cdef object _Message
cdef object _new_message
cdef object _decode
cdef list _KINDS
cdef int _PROTOCOL_ERROR
cdef int _INVALID_TEXT
cdef int _TOO_BIG


cdef class Connection:
    cdef bint _continues
    cdef bytes _data
    cdef bint _decode_text
    cdef bint _fin
    cdef long long _given
    cdef bint _in_frame
    cdef bint _is_compressed
    cdef bint _is_server
    cdef bytes _key
    cdef long long _left
    cdef long long _max_size
    cdef bytearray _message
    cdef int _opcode
    cdef Py_ssize_t _pos
    cdef bytes _undecoded
    cdef public bint by_frame
    cdef readonly Deflater deflater
    cdef readonly Inflater inflater
    cdef readonly bint is_done
    cdef readonly bint is_final
    cdef readonly object payload
    cdef readonly str reason

    cpdef Py_ssize_t count_held(self) except -1
    cpdef feed_data(self, bytes data)
    @cython.locals(kind=int)
    cpdef next_event(self)

    @cython.locals(kind=int)
    cpdef int next_kind(self) except -2

    cpdef take_message(self, int kind)
    cdef _stop(self)

    @cython.locals(data=bytes, p="const unsigned char *", pos=Py_ssize_t, have=Py_ssize_t, first=int, second=int,
                   opcode=int, size="long long", start=Py_ssize_t, key=bytes)
    cdef int _next_frame(self) except -2

    cdef _check_first(self, int first, int opcode)

    @cython.locals(held="long long", is_compressed=bint)
    cdef _check_size(self, int first, long long size)

    cdef _begin_frame(self, int first, int opcode, long long size, bytes key)

    @cython.locals(data=bytes, payload=bytes)
    cdef int _take_whole(self, int first, Py_ssize_t start, Py_ssize_t end) except -2

    @cython.locals(data=bytes, pos=Py_ssize_t, count="long long", key=bytes, piece=bytes)
    cdef bint _take_piece(self) except -1

    @cython.locals(message=bytearray)
    cdef _add(self, bytes piece, bint is_last)

    @cython.locals(inflater=Inflater, room="long long")
    cdef bytes _inflate(self, bytes piece, bint is_last, long long held)

    cdef _check_text(self, bytes piece, bint is_last)

    @cython.locals(payload=bytes)
    cdef int _end_message(self) except -2

    @cython.locals(message=bytearray, kind=int)
    cdef int _end_fragment(self) except -2

    cdef _set_text(self, bytes payload)

    @cython.locals(data=bytes, end=Py_ssize_t, payload=bytes, code=int, p="const unsigned char *")
    cdef int _take_control(self, int opcode, Py_ssize_t start, Py_ssize_t size) except -2

    @cython.locals(first=int, deflater=Deflater)
    cpdef bytes encode(self, int opcode, bytes payload, bytes key, int level)
