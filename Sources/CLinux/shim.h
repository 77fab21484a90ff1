// What mmvault asks of Linux and glibc that Swift's Glibc module leaves out.
#include <malloc.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/vfs.h>

// prctl(2) takes a variable number of arguments, which Swift cannot call.
static inline int prctl_set_dumpable(unsigned long isDumpable) { return prctl(PR_SET_DUMPABLE, isDumpable, 0, 0, 0); }

// Declared for GNU sources only.
int memfd_create(const char *name, unsigned int flags);
int pipe2(int ends[2], int flags);

// A descriptor, or -1; neither outlives an exec.
static inline int memory_file(void) { return memfd_create("mmvault", 1u /* MFD_CLOEXEC */); }
static inline int private_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC); }

// Which file system a file is on (statfs(2)); 0 where that cannot be told.
static inline unsigned int file_system(const char *path) {
    struct statfs status;
    return statfs(path, &status) == 0 ? (unsigned int)status.f_type : 0;
}
