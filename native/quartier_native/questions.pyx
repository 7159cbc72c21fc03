# cython: language_level=3, wraparound=False, cdivision=True, initializedcheck=False
"""The compiled asking of questions; ``reference/questions.py`` says what it does, to the last bit."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.string cimport memcmp, memcpy

from quartier_native.reference.questions import NUMBER_MAX

cdef int _NUMBER_MAX = NUMBER_MAX
cdef enum:
    NUMBER_SIZE = 2


cdef class Questions:
    """See ``quartier_native.reference.questions.Questions``."""

    cdef list rows
    cdef object now_ns, is_enough
    cdef readonly list answers, taken_ns
    cdef readonly int number
    cdef readonly bint is_over

    def __init__(self, asked, now_ns, is_enough):
        cdef bytes frame, head
        cdef Py_ssize_t size
        self.rows = []
        for frame, head, size in asked:
            if size < 0:
                raise ValueError("less than no data")
            self.rows.append((frame, head, size))
        self.now_ns, self.is_enough = now_ns, is_enough
        self.number = 0
        self.again()

    def __len__(self):
        return len(self.rows)

    cpdef again(self):
        """See ``quartier_native.reference.questions.Questions.again``."""
        self.answers, self.taken_ns = [], []
        self.is_over = not self.rows

    def ask(self, int number):
        """See ``quartier_native.reference.questions.Questions.ask``."""
        if not 0 <= number <= _NUMBER_MAX:
            raise ValueError(f"number {number}, expected 0..{_NUMBER_MAX}")
        self.check()
        return self.next(number)

    def take_answer(self, bytes data not None):
        """See ``quartier_native.reference.questions.Questions.take_answer``."""
        cdef Py_ssize_t start, size
        cdef const unsigned char *said
        cdef bytes head
        cdef tuple row
        if self.is_over:
            return None
        row = self.rows[len(self.answers)]
        head, size = row[1], row[2]
        start = NUMBER_SIZE + PyBytes_GET_SIZE(head)
        if PyBytes_GET_SIZE(data) != start + size:
            return None
        said = <const unsigned char *>PyBytes_AS_STRING(data)
        if (said[0] << 8 | said[1]) != self.number:
            return None
        if memcmp(said + NUMBER_SIZE, PyBytes_AS_STRING(head), PyBytes_GET_SIZE(head)):
            return None
        self.took(PyBytes_FromStringAndSize(<const char *>said + start, size))
        return b"" if self.is_over else self.next(self.number)

    def take(self, bytes data not None):
        """See ``quartier_native.reference.questions.Questions.take``."""
        self.check()
        self.took(data)

    def end(self):
        """See ``quartier_native.reference.questions.Questions.end``."""
        self.check()
        self.taken_ns.append(self.now_ns())
        self.is_over = True

    cdef int check(self) except -1:
        if self.is_over:
            raise IndexError("nothing is asked")
        return 0

    cdef int took(self, bytes data) except -1:
        self.answers.append(data)
        self.taken_ns.append(self.now_ns())
        self.is_over = bool(self.is_enough()) or len(self.answers) == len(self.rows)
        return 0

    cdef bytes next(self, int number):
        cdef bytes frame = (<tuple>self.rows[len(self.answers)])[0], asked
        cdef char *to
        self.number = number % _NUMBER_MAX + 1
        asked = PyBytes_FromStringAndSize(NULL, NUMBER_SIZE + PyBytes_GET_SIZE(frame))
        to = PyBytes_AS_STRING(asked)
        to[0], to[1] = <char>(self.number >> 8), <char>(self.number & 0xFF)
        memcpy(to + NUMBER_SIZE, PyBytes_AS_STRING(frame), PyBytes_GET_SIZE(frame))
        return asked
