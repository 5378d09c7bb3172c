cimport cython

cdef Py_ssize_t _MAX_OUTDATED


cdef class _Host:
    cdef readonly tuple endpoint
    cdef readonly dict idle
    cdef readonly Py_ssize_t used
    cdef readonly dict waiting


cdef class _Lane:
    cdef readonly Py_ssize_t claims
    cdef readonly _Host host
    cdef readonly dict idle
    cdef readonly object key


cdef class Claim:
    cdef public object connection
    cdef readonly bint granted
    cdef readonly _Lane lane
    cdef readonly Py_ssize_t serial
    cdef public object waiter


cdef class Pool:
    cdef dict _ages
    cdef readonly dict _hosts
    cdef object _is_usable
    cdef readonly dict _lanes
    cdef readonly list _ready
    cdef Py_ssize_t _serial
    cdef Py_ssize_t _used
    cdef Py_ssize_t _waiting
    cdef public list doomed
    cdef public list granted
    cdef public bint is_watched
    cdef readonly object keepalive
    cdef readonly Py_ssize_t limit
    cdef readonly Py_ssize_t limit_per_host

    @cython.locals(lane=_Lane)
    cpdef bint has_idle(self, key) except? 0

    @cython.locals(endpoint=tuple, host=_Host, lane=_Lane)
    cpdef Claim ask(self, key, double now)

    @cython.locals(lane=_Lane, claim=Claim)
    cpdef Claim lend(self, key, double now)

    @cython.locals(host=_Host, claim=Claim)
    cdef Claim _ask(self, _Lane lane, double now)

    @cython.locals(lane=_Lane, host=_Host)
    cpdef give_back(self, Claim claim, connection, double now)

    @cython.locals(host=_Host)
    cpdef give_up(self, Claim claim, double now)

    @cython.locals(lane=_Lane)
    cpdef bint forget(self, connection) except? 0

    cdef bint _has_room(self) except? 0
    cdef bint _has_host_room(self, _Host host) except? 0

    @cython.locals(lane=_Lane, host=_Host, its_lane=_Lane)
    cdef _grant(self, Claim claim, double now)

    @cython.locals(since=double, fresh=bint)
    cdef _take_idle(self, _Lane lane, double now)

    @cython.locals(host=_Host, claim=Claim)
    cdef _serve(self, double now)

    cdef _offer(self, _Host host)
    cdef _take_out(self, connection, _Lane lane)
    cdef _doom(self, connection, _Lane lane)

    @cython.locals(host=_Host)
    cdef _forget_lane(self, _Lane lane)
