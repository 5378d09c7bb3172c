cimport cython

from tercel.client.exchange cimport Asker, ClientProtocol, Exchange
from tercel.client.pool cimport Claim, Pool
from tercel.wire.h1.head cimport ResponseHead

cdef int _MAX_PLANS
cdef bytes _JSON
cdef object _new
cdef object _dump_text


cdef class Ground:
    cdef readonly object deadlines
    cdef readonly object jar
    cdef readonly object loop
    cdef readonly bint may_be_short
    cdef readonly dict plans
    cdef readonly object time
    cdef readonly list traces


cdef class Way:
    cdef readonly object defaults
    cdef readonly object key
    cdef readonly str method
    cdef readonly object plan
    cdef readonly object read
    cdef readonly object response_class
    cdef readonly object target
    cdef readonly double total


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
cpdef tuple find_plan(session, Ground ground, method, url, dict kwargs, bint may_shorten)

@cython.locals(plans=dict, key=tuple)
cdef object _shared_plan(session, Ground ground, method, url, allow_redirects)

cdef bint _is_simple(dict kwargs) except? 0
cpdef whole_plan(plan, Own own)

@cython.locals(way=Way)
cpdef Way find_way(plan)

@cython.locals(octets=bytes, claim=Claim, pool=Pool, protocol=ClientProtocol, exchange=Exchange,
               due=double, when=double, bucket=set)
cpdef Exchange begin(Ground ground, Way way, Own own, connector, double now, Asker asker)

@cython.locals(found=tuple, more=tuple)
cdef bytes _plain_head(Way way)

@cython.locals(head=ResponseHead)
cpdef answer_of(session, Ground ground, Way way, Own own, Exchange exchange)

cpdef failure_of(plan, Own own, error)

@cython.locals(head=ResponseHead)
cpdef bint is_final(Exchange exchange) except? 0
