cimport cython

from tercel.wire.h1.head cimport RequestHead

cdef object _build_url


cdef class Incoming:
    cdef dict __dict__
    cdef object __weakref__
    cdef public object _body
    cdef public object _client_max_fields
    cdef public object _client_max_size
    cdef public object _cookies
    cdef public object _exchange
    cdef public object _form
    cdef public bint _has_prepare_hook
    cdef public RequestHead _head
    cdef public object _host
    cdef public object _loop
    cdef public object _match
    cdef public object _match_info
    cdef public object _payload
    cdef public object _protocol
    cdef public object _rel_url
    cdef public object _remote
    cdef public object _scheme
    cdef public object _state
    cdef public object _task
    cdef public object _url
