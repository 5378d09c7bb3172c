cimport cython

from tercel.wire.h1.bodies cimport Body, ChunkedBody, CloseBody, LengthBody
from tercel.wire.h1.head cimport Head, ResponseHead
from tercel.wire.h1.heads cimport HeadParser

cdef object _END


cdef class EndOfMessage:
    cdef readonly tuple trailers


cdef class Connection:
    cdef Body _body
    cdef bytes _data
    cdef object _limits
    cdef str _method
    cdef HeadParser _parser
    cdef Py_ssize_t _pos
    cdef bint _switched
    cdef readonly bint is_eof
    cdef readonly bint is_server
    cdef readonly bint message_done

    @cython.locals(length=LengthBody)
    cpdef long long rest(self) except? -1

    @cython.locals(length=LengthBody)
    cpdef count_direct(self, long long size)
    cpdef feed_data(self, bytes data)
    cpdef feed_eof(self)
    cpdef expect_response(self, str method)
    cpdef next_message(self)
    cpdef bytes switch(self)

    @cython.locals(head=Head)
    cpdef next_event(self)

    @cython.locals(body=Body, piece=bytes)
    cdef _next_piece(self)

    cdef _begin_body(self, Head head)

    @cython.locals(status=int)
    cdef bint _is_bodiless(self, ResponseHead head) except? 0
