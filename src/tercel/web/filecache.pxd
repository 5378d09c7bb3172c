cimport cython

cdef object _monotonic
cdef object _stat
cdef object _lstat
cdef bint _IS_WINDOWS
cdef object _choose


cdef class StoredFile:
    cdef dict _blocks
    cdef object _changed
    cdef object _first
    cdef public bint accepts_links
    cdef public bytes data
    cdef public object facts
    cdef public double looked_at
    cdef public tuple offered
    cdef public StoredFile original
    cdef public object path
    cdef public dict siblings
    cdef public object stat
    cdef public bint was_used

    cpdef bytes block(self, cache_control)
    cpdef bint is_current(self) except -1

    @cython.locals(size="long long", sibling=StoredFile)
    cpdef long long size_of_all(self) except -1

    @cython.locals(sibling=StoredFile)
    cpdef bint is_settled(self, now_ns) except -1


cdef class FileCache:
    cdef object _clock
    cdef dict _files
    cdef object _lock
    cdef Py_ssize_t _most_files
    cdef long long _most_octets
    cdef long long _octets

    @cython.locals(stored=StoredFile, chosen=StoredFile)
    cpdef StoredFile find(self, key, accepted)

    @cython.locals(stored=StoredFile)
    cdef _drop(self, key)

    @cython.locals(stored=StoredFile)
    cdef _make_room(self)


cpdef StoredFile choose_sibling(StoredFile stored, accepted)
