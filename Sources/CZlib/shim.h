// What Swift cannot call of zlib: its beginnings are macros.
#include <zlib.h>

// gzip or zlib, whichever the bytes begin with (32 + the largest window, in inflateInit2 of zlib.h).
static inline int inflate_begin(z_stream *stream) { return inflateInit2(stream, 32 + 15); }
