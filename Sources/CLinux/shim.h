// What mmvault asks of Linux and glibc that Swift's Glibc module leaves out.
#include <malloc.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

// prctl(2) takes a variable number of arguments, which Swift cannot call.
static inline int prctl_set_dumpable(unsigned long isDumpable) { return prctl(PR_SET_DUMPABLE, isDumpable, 0, 0, 0); }

// memfd_create(2) and pipe2(2) are declared for GNU sources only. A descriptor, or -1; neither outlives an exec.
static inline int memory_file(void) { return (int)syscall(SYS_memfd_create, "mmvault", 1u /* MFD_CLOEXEC */); }
static inline int private_pipe(int ends[2]) { return (int)syscall(SYS_pipe2, ends, O_CLOEXEC); }
