// What mmvault asks of Linux and glibc that Swift's Glibc module leaves out.
#include <malloc.h>
#include <sys/prctl.h>

// prctl(2) takes a variable number of arguments, which Swift cannot call.
static inline int prctl_set_dumpable(unsigned long isDumpable) { return prctl(PR_SET_DUMPABLE, isDumpable, 0, 0, 0); }
