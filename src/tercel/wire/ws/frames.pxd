cimport cython

from tercel.wire.ws.mask cimport mask_tail

cdef Py_ssize_t _MAX_CONTROL
cdef object _pack_2
cdef object _pack_4
cdef object _pack_10
cdef list _TEXT_HEADS
cdef list _BINARY_HEADS

@cython.locals(bit=int)
cpdef bytes encode_frame_head(int first, Py_ssize_t size, bint is_masked)

@cython.locals(size=Py_ssize_t, head=bytes)
cpdef bytes encode_frame(int first, bytes payload, bytes key)

cpdef bytes encode_close(code, reason)
