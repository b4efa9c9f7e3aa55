/* A slower disk, for measurements: every fdatasync takes SYNC_TAKES microseconds more than it does.
 *
 *     cc -O2 -shared -fPIC -o /tmp/slow-sync.so bench/slow-sync.c -ldl
 *     SYNC_TAKES=4000 LD_PRELOAD=/tmp/slow-sync.so PROGRAM
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

int fdatasync(int file) {
    static int (*real)(int);
    if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    const char *takes = getenv("SYNC_TAKES");
    long micros = takes ? atol(takes) : 0;
    struct timespec longer = { micros / 1000000, micros % 1000000 * 1000 };
    nanosleep(&longer, 0);
    return real(file);
}
