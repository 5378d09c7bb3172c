cimport cython

cdef object _find_zlib
cdef bytes _TAIL
cdef int _MAX_FINAL_BLOCKS
cdef int _MIN_WRITABLE_BITS
cdef object _DEFLATED
cdef object _SYNC_FLUSH
cdef int _MAX_WRITTEN_BITS
cdef object _MEMORY
cdef int _LEVEL


cdef class Deflater:
    cdef object _inner
    cdef bint _is_busy
    cdef bint _takeover
    cdef readonly bint can_deflate
    cdef public bint was_used
    cdef readonly int window_bits

    cpdef forget(self)
    cpdef rest(self)
    cdef _begin(self, int level)

    @cython.locals(first=bytes, done=bytes)
    cpdef bytes deflate(self, bytes data, int level=*)


cdef class Inflater:
    cdef object _inner
    cdef bint _takeover
    cdef int _window_bits

    @cython.locals(result=bytes, parts=list, rest=bytes, left="long long", finals=int, done=bytes)
    cpdef bytes inflate(self, bytes data, bint is_last, long long room)
