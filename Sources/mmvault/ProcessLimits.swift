internal import CLinux
internal import Glibc

/// What the process asks of the system before it holds a key, a text, or much memory.
enum ProcessLimits {
    /// Keys and decrypted texts stay in this process: no core dump, and no other process of the same user may read its
    /// memory (PR_SET_DUMPABLE in prctl(2), RLIMIT_CORE in getrlimit(2)). The programs it starts are as usual.
    static func keepMemoryPrivate() {
        _ = prctl_set_dumpable(0)
        var none = rlimit(rlim_cur: 0, rlim_max: 0)
        _ = setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
    }

    /// Buffers the size of a page of posts go back to the system when they are released, and threads share what is
    /// smaller; by itself glibc keeps both, more with every page (M_MMAP_THRESHOLD, M_ARENA_MAX in mallopt(3)).
    static func boundHeap() {
        _ = mallopt(M_MMAP_THRESHOLD, 64 << 10)
        _ = mallopt(M_ARENA_MAX, 2)
    }
}
