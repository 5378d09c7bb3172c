cimport cython

from tercel.web.incoming cimport Incoming
from tercel.wire.h1.head cimport RequestHead

cdef object _make_info
cdef object _new_dict
cdef object _normal_path


cdef class Endpoint:
    cdef public tuple apps
    cdef public object expect_handler
    cdef public object function
    cdef public bint has_hook
    cdef public object inner
    cdef public tuple names
    cdef public object route
    cdef public object run

    cpdef call(self, run)


cdef class Match:
    cdef public set allowed
    cdef public Endpoint endpoint
    cdef public str method
    cdef public tuple values

    cpdef str value(self, Py_ssize_t index)
    @cython.locals(index=Py_ssize_t)
    cpdef info(self)


cdef class Leaf:
    cdef public Endpoint any
    cdef public bint is_custom
    cdef public dict methods
    cdef public Py_ssize_t prefix_size
    cdef public tuple rank
    cdef public object regex
    cdef public object resource
    cdef public RouteTable table
    cdef public bint takes_rest


cdef class RegexEdge:
    cdef public object fullmatch
    cdef public tuple groups
    cdef public Node node
    cdef public str source


cdef class Node:
    cdef public dict fixed
    cdef public list leaves
    cdef public list open_leaves
    cdef public Node plain
    cdef public list prefix_leaves
    cdef public list regexes


cdef class Candidate:
    cdef public Leaf leaf
    cdef public tuple values


cdef class Walk:
    cdef public Py_ssize_t count
    cdef public list found
    cdef public str path
    cdef public list segments
    cdef public Py_ssize_t steps
    cdef public list values

    @cython.locals(child=Node, leaf=Leaf, segment=str)
    cpdef visit(self, Node node, Py_ssize_t index)

    @cython.locals(edge=RegexEdge, size=Py_ssize_t)
    cdef _try_regexes(self, Node node, str segment, Py_ssize_t index)

    @cython.locals(leaf=Leaf, values=tuple)
    cdef _take_prefixes(self, Node node)

    @cython.locals(leaf=Leaf, values=tuple)
    cdef _take_open(self, Node node)


@cython.locals(candidate=Candidate)
cpdef tuple _rank_of(Candidate candidate)


cdef class RouteTable:
    cdef public list domains
    cdef public dict fixed
    cdef public bint is_sync
    cdef public Endpoint missing
    cdef public bint needs_host
    cdef public Node root
    cdef public Py_ssize_t steps

    @cython.locals(head=RequestHead, match=Match, endpoint=Endpoint)
    cpdef start(self, Incoming request, host=*)

    @cython.locals(methods=dict, match=Match, table=RouteTable)
    cpdef Match find(self, str method, str path, str host=*)

    @cython.locals(allowed=set, candidate=Candidate, leaf=Leaf, endpoint=Endpoint)
    cdef Match _find_below(self, str method, str path, str host, dict methods)

    @cython.locals(walk=Walk, found=list)
    cpdef list candidates(self, str path)


cdef class Entry:
    cdef object _dispatcher
    cdef object _long_way

    @cython.locals(table=RouteTable)
    cpdef start(self, Incoming request)
