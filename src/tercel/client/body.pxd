cimport cython

from tercel.wire.h1.head cimport ResponseHead

cdef Py_ssize_t _DECODED_PIECE


cdef char *_nowhere


cpdef bytes blank(Py_ssize_t size)


cdef class AnswerBody:
    cdef bytes _body
    cdef object _decoder
    cdef list _ends
    cdef list _pieces
    cdef Py_ssize_t _size
    cdef list _undecoded
    cdef readonly bint body_done
    cdef readonly object error
    cdef readonly object options
    cdef readonly object protocol
    cdef readonly object stream

    cdef prepare(self, protocol, options)
    cdef begin_body(self, ResponseHead head)
    cpdef take_body(self)

    @cython.locals(pieces=list, ends=list, index=Py_ssize_t)
    cpdef open_stream(self)

    cdef receive_piece(self, bytes piece, bint ends_chunk)
    cdef go_on(self)

    @cython.locals(undecoded=list, done=bytes)
    cdef _decode(self, bint ends_chunk)

    cdef _put(self, bytes piece, bint ends_chunk)
