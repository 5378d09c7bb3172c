cimport cython

cdef object _DONE
cdef object _count_references
cdef object _count_weak
cdef object _copy_context
cdef dict _current_tasks
cdef object _drive
cdef object _make_step_task
cdef object _promote
cdef object _release
cdef object _resume
cdef object _set_result


cdef class Stepper:
    cdef object _context
    cdef object _driver
    cdef list _ends
    cdef Py_ssize_t _references
    cdef object _send
    cdef object _task
    cdef public object awaitable
    cdef public bint is_touched
    cdef readonly object loop

    cpdef bint can_step(self) except -1
    cpdef enter(self)

    @cython.locals(pair=tuple)
    cpdef bint run(self, awaitable) except -1
    cpdef leave(self)
    cpdef hand_over(self, serve, connection, request)
