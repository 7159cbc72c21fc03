/* Lets the N-th call of a kind fail below one folder; loaded with LD_PRELOAD, armed from the process itself.

   Kinds: 1 write, 2 sync, 4 open, 8 rename and unlink.  error > 0 is the errno; -1 writes only half (kind 1);
   -9 kills the process before the call, -10 (kind 1) after half of it.
   lasting: from the N-th call on all fail until it is disarmed.  Also counts which thread asked. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { WRITE = 1, SYNC = 2, OPEN = 4, RENAME = 8 };

static int armed, error_code, stays;
static long left, fired, by_loop;
static char folder[4096];

void fault_arm(int kinds, long nth, int error, int lasting, const char *under)
{
    strncpy(folder, under, sizeof folder - 1);
    error_code = error, stays = lasting, left = nth, fired = 0;
    __atomic_store_n(&armed, kinds, __ATOMIC_SEQ_CST);
}

void fault_disarm(void) { __atomic_store_n(&armed, 0, __ATOMIC_SEQ_CST); }
long fault_fired(void) { return __atomic_load_n(&fired, __ATOMIC_SEQ_CST); }
/* Calls below the folder that the process's first thread made since the last question. */
long fault_by_loop(void) { return __atomic_exchange_n(&by_loop, 0, __ATOMIC_SEQ_CST); }

static int below(const char *path) { return *folder && path && !strncmp(path, folder, strlen(folder)); }

static void die(void)
{
    kill(getpid(), SIGKILL);
    for (;;)
        pause();
}

static int fails(int kind, int found)
{
    if (!found)
        return 0;
    if (syscall(SYS_gettid) == getpid())
        __atomic_add_fetch(&by_loop, 1, __ATOMIC_SEQ_CST);
    if (!(__atomic_load_n(&armed, __ATOMIC_SEQ_CST) & kind))
        return 0;
    long now = __atomic_sub_fetch(&left, 1, __ATOMIC_SEQ_CST);
    if (now > 0 || (now < 0 && !stays))
        return 0;
    __atomic_add_fetch(&fired, 1, __ATOMIC_SEQ_CST);
    if (error_code == -9 || (error_code == -10 && kind != WRITE))
        die();
    return 1;
}

static int fails_fd(int kind, int fd)
{
    char link[64], path[4096];
    if (!*folder)
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size <= 0)
        return 0;
    path[size] = 0;
    return fails(kind, below(path));
}

#define REAL(name) \
    static __typeof__(name) *real; \
    if (!real) \
        real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

static ssize_t halved(ssize_t written)
{
    if (error_code == -10)
        die();
    return written;
}

static size_t cut(size_t size) { return size > 1 ? size / 2 : size; }

ssize_t write(int fd, const void *data, size_t size)
{
    REAL(write);
    if (fails_fd(WRITE, fd)) {
        if (error_code < 0)
            return halved(real(fd, data, cut(size)));
        errno = error_code;
        return -1;
    }
    return real(fd, data, size);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at)
{
    REAL(pwrite64);
    if (fails_fd(WRITE, fd)) {
        if (error_code < 0)
            return halved(real(fd, data, cut(size), at));
        errno = error_code;
        return -1;
    }
    return real(fd, data, size, at);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at) { return pwrite64(fd, data, size, at); }

static int failed(void)
{
    errno = error_code > 0 ? error_code : EIO;
    return -1;
}

int fsync(int fd) { REAL(fsync); return fails_fd(SYNC, fd) ? failed() : real(fd); }
int fdatasync(int fd) { REAL(fdatasync); return fails_fd(SYNC, fd) ? failed() : real(fd); }
int ftruncate64(int fd, off64_t size) { REAL(ftruncate64); return fails_fd(WRITE, fd) ? failed() : real(fd, size); }
int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

#define MODE_OF(mode, flags) \
    mode_t mode = 0; \
    if ((flags) & (O_CREAT | O_TMPFILE)) { \
        va_list rest; \
        va_start(rest, flags); \
        mode = va_arg(rest, mode_t); \
        va_end(rest); \
    }

int open64(const char *path, int flags, ...)
{
    REAL(open64);
    MODE_OF(mode, flags)
    return fails(OPEN, below(path)) ? failed() : real(path, flags, mode);
}

int open(const char *path, int flags, ...)
{
    MODE_OF(mode, flags)
    return open64(path, flags, mode);
}

int openat64(int at, const char *path, int flags, ...)
{
    REAL(openat64);
    MODE_OF(mode, flags)
    return fails(OPEN, below(path)) ? failed() : real(at, path, flags, mode);
}

int openat(int at, const char *path, int flags, ...)
{
    MODE_OF(mode, flags)
    return openat64(at, path, flags, mode);
}

int rename(const char *old, const char *fresh)
{
    REAL(rename);
    return fails(RENAME, below(fresh)) ? failed() : real(old, fresh);
}

int unlink(const char *path)
{
    REAL(unlink);
    return fails(RENAME, below(path)) ? failed() : real(path);
}
