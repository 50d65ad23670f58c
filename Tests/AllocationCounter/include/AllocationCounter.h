// Counts what a thread takes from the heap: the test executable's malloc stands in front of the C library's.
#pragma once

/// How often this thread has asked for memory so far.
long tonari_allocations(void);
