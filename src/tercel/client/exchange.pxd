cimport cython

from tercel.client.body cimport AnswerBody
from tercel.client.pool cimport Claim, Pool
from tercel.net.protocol cimport WireProtocol
from tercel.wire.h1.connection cimport Connection, EndOfMessage
from tercel.wire.h1.head cimport Head, ResponseHead

cdef int _MAX_INTERIM
cdef Py_ssize_t _HEAD_ROOM
cdef Py_ssize_t _MUCH


cdef class Asker:
    cpdef tell_head(self)
    cpdef tell_failure(self, error)


cdef class Exchange(AnswerBody):
    cdef object _waiter
    cdef public bint allows_upgrade
    cdef public Asker asker
    cdef public object claim
    cdef public object connection
    cdef public object continue_waiter
    cdef public object deadline
    cdef readonly ResponseHead head
    cdef readonly list informational
    cdef readonly int interim
    cdef readonly bint is_done
    cdef public object lender
    cdef readonly str method
    cdef public object on_informational
    cdef public bint sends_close
    cdef readonly tuple trailers
    cdef public object upload
    cdef public bint upload_done
    cdef public set watched

    @cython.locals(protocol=ClientProtocol)
    cpdef wait_head(self)

    @cython.locals(protocol=ClientProtocol)
    cpdef write(self, data)

    @cython.locals(protocol=ClientProtocol)
    cpdef write_late(self, tuple parts)

    cpdef finish_upload(self)
    cpdef fail_upload(self, error)

    @cython.locals(protocol=ClientProtocol)
    cpdef tuple upgrade(self)

    cpdef abandon(self)
    cpdef expire(self)
    @cython.locals(asker=Asker)
    cpdef fail(self, error)
    cpdef receive_continue(self)
    cdef receive_informational(self, ResponseHead head)
    cdef receive_head(self, ResponseHead head, bint has_body)

    @cython.locals(head=ResponseHead)
    cdef receive_end(self)

    cdef _wake_continue(self)
    cdef _cancel_upload(self)

    @cython.locals(protocol=ClientProtocol)
    cdef _give_back(self)

    @cython.locals(pool=Pool)
    cdef _give_back_claim(self, Claim claim, ClientProtocol protocol)


cdef class ClientProtocol(WireProtocol):
    cdef Py_ssize_t _at
    cdef object _closed
    cdef Exchange _exchange
    cdef object _limits
    cdef object _place
    cdef object _room
    cdef double _sock_read
    cdef readonly Py_ssize_t exchanges
    cdef public bint holds_end
    cdef readonly bint is_held
    cdef public bint should_close

    cpdef double now(self) except? -1
    cpdef bint is_connected(self) except? 0

    cpdef begin(self, Exchange exchange)
    cpdef end(self, Exchange exchange)
    cpdef long long rest_of(self, Exchange exchange) except? -1
    cpdef receive_into(self, place)
    cpdef bytes switch(self)
    cpdef refuse(self, error)

    @cython.locals(exchange=Exchange, has_body=bint, status=int)
    cpdef on_head(self, Head head)

    @cython.locals(exchange=Exchange)
    cpdef on_piece(self, bytes piece)

    @cython.locals(exchange=Exchange)
    cpdef on_end(self, EndOfMessage end)

    @cython.locals(exchange=Exchange)
    cpdef on_error(self, error)

    cpdef bint on_eof(self) except? 1

    @cython.locals(exchange=Exchange)
    cpdef on_lost(self, error)

    @cython.locals(exchange=Exchange)
    cpdef on_deadline(self)

    @cython.locals(exchange=Exchange)
    cpdef get_buffer(self, hint)

    @cython.locals(exchange=Exchange)
    cpdef buffer_updated(self, Py_ssize_t size)

    @cython.locals(exchange=Exchange, asker=Asker, rest=Py_ssize_t, size=Py_ssize_t)
    cpdef data_received(self, data)

    cpdef pause_reading(self)

    @cython.locals(exchange=Exchange)
    cpdef resume_reading(self)
