from tercel.net.protocol cimport WireProtocol

cdef object _Lost


cdef class Sending:
    cpdef send(self, value)
    cpdef close(self)


cdef class Failed(Sending):
    cdef object _error


cdef class Draining(Sending):
    cdef WireProtocol _protocol
    cdef object _waiter
