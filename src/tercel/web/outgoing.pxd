cimport cython

cdef dict _types


cdef class Outgoing:
    pass


cdef bytes _encode(str text)
