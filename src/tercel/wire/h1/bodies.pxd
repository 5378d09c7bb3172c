cimport cython

from tercel.wire.h1.heads cimport HeadParser

cdef bytes _KIND
cdef unsigned char _HEX
cdef unsigned char _VALUE
cdef int _SIZE
cdef int _DATA
cdef int _DATA_END
cdef int _TRAILERS


cdef class Body:
    cdef readonly bint chunk_ended
    cdef readonly bint is_done
    cdef readonly Py_ssize_t pos
    cdef readonly tuple trailers

    cpdef bytes take_piece(self, bytes data, Py_ssize_t pos)
    cpdef bint take_eof(self) except? 1


cdef class LengthBody(Body):
    cdef readonly long long remaining

    cpdef count(self, long long size)

    @cython.locals(p="const unsigned char *", available="long long")
    cpdef bytes take_piece(self, bytes data, Py_ssize_t pos)


cdef class CloseBody(Body):
    cpdef bytes take_piece(self, bytes data, Py_ssize_t pos)
    cpdef bint take_eof(self) except? 1


cdef class ChunkedBody(Body):
    cdef Py_ssize_t _extensions
    cdef object _limits
    cdef Py_ssize_t _max_line
    cdef long long _remaining
    cdef int _state
    cdef HeadParser _trailer_parser

    @cython.locals(p="const unsigned char *", end=Py_ssize_t, following=Py_ssize_t, available="long long")
    cpdef bytes take_piece(self, bytes data, Py_ssize_t pos)

    @cython.locals(p="const unsigned char *", kind="const unsigned char *", line_end=Py_ssize_t, i=Py_ssize_t,
                   size="long long", octet="unsigned char", digit=int)
    cdef Py_ssize_t _take_size(self, bytes data, Py_ssize_t pos, Py_ssize_t end) except? -2

    @cython.locals(p="const unsigned char *", kind="const unsigned char *", i=Py_ssize_t)
    cdef _check_extension(self, bytes data, Py_ssize_t pos, Py_ssize_t line_end)

    @cython.locals(p="const unsigned char *", trailers=tuple)
    cdef _take_trailers(self, bytes data, Py_ssize_t pos, Py_ssize_t end)
