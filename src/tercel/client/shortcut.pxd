cimport cython

from tercel.client.exchange cimport Asker, ClientProtocol, Exchange
from tercel.client.pool cimport Claim, Pool
from tercel.wire.h1.head cimport ResponseHead

cdef int _MAX_PLANS
cdef bytes _JSON
cdef object _new
cdef tuple _NO_BODY


cdef class Own:
    cdef bytes _json
    cdef readonly dict kwargs
    cdef readonly object method
    cdef readonly object plan
    cdef readonly object session
    cdef readonly object url

    cpdef dict whole_kwargs(self)

    @cython.locals(lines=bytes, kind=bytes, replaced=tuple)
    cpdef bytes encode(self)

    cdef tuple _body(self)


@cython.locals(is_bare=bint, is_usual=bint)
cpdef tuple find_plan(session, method, url, dict kwargs, bint may_shorten)

@cython.locals(plans=dict, key=tuple)
cdef object _shared_plan(session, method, url, allow_redirects)

cdef bint _is_simple(dict kwargs) except? 0
cpdef whole_plan(plan, Own own)

@cython.locals(octets=bytes, claim=Claim, pool=Pool, protocol=ClientProtocol, exchange=Exchange,
               due=double, when=double, bucket=set)
cpdef Exchange begin(plan, Own own, connector, deadlines, double now, Asker asker)

@cython.locals(found=tuple, more=tuple)
cdef bytes _plain_head(plan)

@cython.locals(head=ResponseHead)
cpdef answer_of(plan, Own own, Exchange exchange)
cpdef failure_of(plan, Own own, error)
cpdef bint is_final(response) except? 0
