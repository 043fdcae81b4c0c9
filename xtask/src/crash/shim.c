/* Stands between a program and the kernel, for `cargo xtask crash`; loaded with LD_PRELOAD.
 *
 * Owns one decision for each call that concerns a file under CRASH_ROOT: do it, fail it, cut it short, or die. Promises that no call
 * goes by unseen: a seccomp filter hands over every system call that is not plainly about memory, threads, signals or time, whether
 * libc made it or the program itself, and one that is not known here ends the program with 99. Calls on other files are passed on.
 * Knows nothing of what the files mean.
 *
 *   CRASH_ROOT   what lies below this directory is watched
 *   CRASH_LOG    what was done is written here: see `struct entry`
 *   CRASH_CALL   with CRASH_ROLE: which calls are meant (see `role_of`); `*`: all that change something
 *   CRASH_NTH    the how manieth of them, from 0, has the fate
 *   CRASH_FATE   see `enum fate`
 *   CRASH_BYTES  log the bytes of writes too
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>

#if !defined(__x86_64__) || !defined(__linux__)
#error "only for Linux on x86-64: registers and call numbers are its own"
#endif

/* The only place from which calls reach the kernel unseen: the filter knows its address. */
long crash_call(long number, long a, long b, long c, long d, long e, long f);
extern const char crash_called[];
__asm__(".text\n.globl crash_call\n.hidden crash_call\n.globl crash_called\n.hidden crash_called\n"
        ".type crash_call,@function\ncrash_call:\n"
        "mov %rdi,%rax\nmov %rsi,%rdi\nmov %rdx,%rsi\nmov %rcx,%rdx\nmov %r8,%r10\nmov %r9,%r8\nmov 8(%rsp),%r9\n"
        "syscall\ncrash_called:\nret\n");

/* What becomes of the chosen call. */
enum fate {
    KILL = 1,   /* the process dies before it */
    KILL_TORN,  /* half of the bytes are written, at a sector's end, then the process dies */
    FAIL,       /* not done, EIO */
    FAIL_DONE,  /* done, and EIO all the same */
    SHORT,      /* half of the bytes, and that is said */
    FULL,       /* ENOSPC, and for every call after it that makes a name or a file longer */
    DEAD,       /* EIO, and for every call after it */
};

/* What a call does, for the log; the numbers are read by `trace.rs`. */
enum kind { OTHER, OPEN, CREATE, WRITE, SYNC, RENAME, UNLINK, MKDIR, MODE, TRUNCATE, SAID, FATE, UNKNOWN };

/* One line of the log, followed by call name, path, second path and bytes. */
struct entry {
    uint32_t kind;
    uint32_t name, path, second;
    int64_t result;
    uint64_t offset, length;
};

struct call {
    const char *name;
    long number;
    /* Which argument names the file: a descriptor, a path, a path after a directory. */
    enum { BY_FD, BY_PATH, AT_PATH } by;
    enum kind kind;
};

static const struct call CALLS[] = {
    {"read", SYS_read, BY_FD, OTHER},           {"pread64", SYS_pread64, BY_FD, OTHER},
    {"readv", SYS_readv, BY_FD, OTHER},         {"preadv", SYS_preadv, BY_FD, OTHER},
    {"write", SYS_write, BY_FD, WRITE},         {"pwrite64", SYS_pwrite64, BY_FD, WRITE},
    {"writev", SYS_writev, BY_FD, WRITE},       {"pwritev", SYS_pwritev, BY_FD, WRITE},
    {"lseek", SYS_lseek, BY_FD, OTHER},         {"fstat", SYS_fstat, BY_FD, OTHER},
    {"stat", SYS_stat, BY_PATH, OTHER},         {"lstat", SYS_lstat, BY_PATH, OTHER},
    {"newfstatat", SYS_newfstatat, AT_PATH, OTHER}, {"statx", SYS_statx, AT_PATH, OTHER},
    {"access", SYS_access, BY_PATH, OTHER},     {"readlink", SYS_readlink, BY_PATH, OTHER},
    {"fstatfs", SYS_fstatfs, BY_FD, OTHER},     {"statfs", SYS_statfs, BY_PATH, OTHER},
    {"getdents64", SYS_getdents64, BY_FD, OTHER}, {"fadvise64", SYS_fadvise64, BY_FD, OTHER},
    {"flock", SYS_flock, BY_FD, OTHER},         {"open", SYS_open, BY_PATH, OPEN},
    {"openat", SYS_openat, AT_PATH, OPEN},      {"fsync", SYS_fsync, BY_FD, SYNC},
    {"fdatasync", SYS_fdatasync, BY_FD, SYNC},  {"ftruncate", SYS_ftruncate, BY_FD, TRUNCATE},
    {"rename", SYS_rename, BY_PATH, RENAME},    {"renameat2", SYS_renameat2, AT_PATH, RENAME},
    {"renameat", SYS_renameat, AT_PATH, RENAME}, {"unlink", SYS_unlink, BY_PATH, UNLINK},
    {"rmdir", SYS_rmdir, BY_PATH, UNLINK},     
    {"unlinkat", SYS_unlinkat, AT_PATH, UNLINK}, {"mkdir", SYS_mkdir, BY_PATH, MKDIR},
    {"mkdirat", SYS_mkdirat, AT_PATH, MKDIR},   {"fchmod", SYS_fchmod, BY_FD, MODE},
};
#define CALLS_LEN (sizeof CALLS / sizeof CALLS[0])

/* About memory, threads, signals, time and who we are: no file is concerned, whatever the arguments. */
static const int BESIDE[] = {
    SYS_brk, SYS_mmap, SYS_munmap, SYS_mremap, SYS_mprotect, SYS_madvise, SYS_futex, SYS_clone, SYS_clone3, SYS_exit,
    SYS_exit_group, SYS_set_robust_list, SYS_rseq, SYS_sched_getaffinity, SYS_sched_yield, SYS_rt_sigaction, SYS_rt_sigprocmask,
    SYS_rt_sigreturn, SYS_sigaltstack, SYS_tgkill, SYS_getpid, SYS_gettid, SYS_getuid, SYS_geteuid, SYS_getgid, SYS_getegid,
    SYS_getrandom, SYS_clock_gettime, SYS_clock_nanosleep, SYS_nanosleep, SYS_prctl, SYS_arch_prctl, SYS_prlimit64, SYS_poll,
    SYS_ioctl, SYS_fcntl, SYS_close, SYS_uname, SYS_sysinfo, SYS_getcwd, SYS_set_tid_address, SYS_restart_syscall,
};
#define BESIDE_LEN (sizeof BESIDE / sizeof BESIDE[0])

static struct {
    char root[4096];
    size_t root_len;
    char call[32], role[4096];
    long nth, seen;
    int fate, log, bytes, sticky;
} plan = {.log = -1};

static volatile int turn;

static void take_turn(void)
{
    while (__atomic_exchange_n(&turn, 1, __ATOMIC_ACQUIRE))
        crash_call(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
}

static void give_turn(void)
{
    __atomic_store_n(&turn, 0, __ATOMIC_RELEASE);
}

static void put(const void *bytes, size_t length)
{
    const char *at = bytes;
    while (length > 0) {
        long done = crash_call(SYS_write, plan.log, (long)at, (long)length, 0, 0, 0);
        if (done <= 0)
            crash_call(SYS_exit_group, 98, 0, 0, 0, 0, 0);
        at += done;
        length -= (size_t)done;
    }
}

static void note(enum kind kind, const char *name, const char *path, const char *second, long result, uint64_t offset,
                 const struct iovec *parts, size_t count, uint64_t length)
{
    if (plan.log < 0)
        return;
    int with_bytes = parts && (plan.bytes || kind == SAID);
    struct entry entry = {kind, (uint32_t)strlen(name), (uint32_t)strlen(path), (uint32_t)strlen(second), result, offset,
                          with_bytes ? length : 0};
    put(&entry, sizeof entry);
    put(name, entry.name);
    put(path, entry.path);
    put(second, entry.second);
    for (size_t part = 0; with_bytes && part < count && length > 0; part++) {
        size_t taken = parts[part].iov_len < length ? parts[part].iov_len : (size_t)length;
        put(parts[part].iov_base, taken);
        length -= taken;
    }
}

/* The path relative to the root, or NULL if it isn't below it. */
static const char *below_root(const char *path)
{
    if (strncmp(path, plan.root, plan.root_len) != 0)
        return NULL;
    path += plan.root_len;
    return *path == '/' ? path + 1 : *path == '\0' ? "." : NULL;
}

/* The path with every hexadecimal number in it replaced by `#`: what part the file plays, whichever it is. */
static void role_of(const char *path, char *role, size_t room)
{
    size_t out = 0;
    while (*path && out + 2 < room) {
        size_t run = strspn(path, "0123456789abcdef");
        if (run > 0 && strcspn(path, "0123456789") < run) {
            role[out++] = '#';
            path += run;
            continue;
        }
        for (size_t at = 0; at < (run > 0 ? run : 1) && out + 2 < room; at++)
            role[out++] = *path++;
    }
    role[out] = '\0';
}

static int may_create(const struct call *call, const long *args)
{
    return call->kind == OPEN && ((call->by == AT_PATH ? args[2] : args[1]) & O_CREAT) != 0;
}

/* What a disk without room can't do: make a name, or a file longer. What has its blocks can be written again. */
static int grows(const struct call *call, enum kind kind, const long *args, uint64_t offset)
{
    struct stat now;
    size_t length = 0;
    if (kind != WRITE)
        return kind == CREATE || kind == MKDIR;
    if (call->number == SYS_write || call->number == SYS_pwrite64)
        length = (size_t)args[2];
    else
        for (long part = 0; part < args[2]; part++)
            length += ((const struct iovec *)args[1])[part].iov_len;
    return crash_call(SYS_fstat, args[0], (long)&now, 0, 0, 0, 0) < 0 || offset + length > (uint64_t)now.st_size;
}

/* Does a write, or half of it, ending at a sector's end if there is one in it. */
static long write_half(const struct call *call, const long *args)
{
    if (call->number == SYS_write || call->number == SYS_pwrite64) {
        long half = args[2] / 2 > 512 ? args[2] / 2 / 512 * 512 : args[2] / 2;
        return crash_call(call->number, args[0], args[1], half, args[3], 0, 0);
    }
    const struct iovec *parts = (const struct iovec *)args[1];
    size_t total = 0;
    for (long part = 0; part < args[2]; part++)
        total += parts[part].iov_len;
    size_t left = total / 2 > 512 ? total / 2 / 512 * 512 : total / 2;
    struct iovec cut[1024];
    long count = 0;
    for (; count < args[2] && count < 1024 && left > 0; count++) {
        cut[count] = parts[count];
        if (cut[count].iov_len > left)
            cut[count].iov_len = left;
        left -= cut[count].iov_len;
    }
    return crash_call(call->number, args[0], (long)cut, count, args[3], args[4], args[5]);
}

static long perform(const struct call *call, const long *args)
{
    return crash_call(call->number, args[0], args[1], args[2], args[3], args[4], args[5]);
}

static _Noreturn void die(void)
{
    crash_call(SYS_kill, crash_call(SYS_getpid, 0, 0, 0, 0, 0, 0), SIGKILL, 0, 0, 0, 0);
    for (;;)
        crash_call(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
}

/* Logs a call that was done. */
static void note_done(const struct call *call, enum kind kind, const long *args, const char *path, const char *second, uint64_t offset,
                      long result)
{
    struct iovec one = {(void *)args[1], (size_t)(result > 0 ? result : 0)};
    int vectored = call->number == SYS_pwritev || call->number == SYS_writev;
    const struct iovec *parts = kind == WRITE ? (vectored ? (const struct iovec *)args[1] : &one) : NULL;
    note(kind, call->name, path, second, result, offset, parts, vectored ? (size_t)args[2] : 1, result > 0 ? (uint64_t)result : 0);
}

/* What the chosen call gives. What was done all the same is logged. */
static long suffer(const struct call *call, enum kind kind, const long *args, const char *path, const char *second, uint64_t offset)
{
    long result;
    note(FATE, call->name, path, "", plan.fate, 0, NULL, 0, 0);
    switch (plan.fate) {
    case KILL:
        die();
    case KILL_TORN:
        if (kind == WRITE)
            note_done(call, kind, args, path, second, offset, write_half(call, args));
        die();
    case FAIL_DONE:
        result = perform(call, args);
        note_done(call, kind, args, path, second, offset, result);
        /* What was opened belongs to nobody. */
        if (call->kind == OPEN && result >= 0)
            crash_call(SYS_close, result, 0, 0, 0, 0, 0);
        return result < 0 ? result : -EIO;
    case SHORT:
        result = kind == WRITE ? write_half(call, args) : perform(call, args);
        note_done(call, kind, args, path, second, offset, result);
        return result;
    case FULL:
        plan.sticky = FULL;
        return -ENOSPC;
    case DEAD:
        plan.sticky = DEAD;
        return -EIO;
    default:
        return -EIO;
    }
}

/* Whether this is the call that was chosen: `*` in place of a name means any that changes something. */
static int is_chosen(const struct call *call, enum kind kind, const char *role)
{
    if (!plan.fate)
        return 0;
    if (strcmp(plan.call, "*") == 0)
        return kind > OPEN && kind <= TRUNCATE && plan.seen++ == plan.nth;
    return strcmp(call->name, plan.call) == 0 && strcmp(role, plan.role) == 0 && plan.seen++ == plan.nth;
}

/* Does the call, or what is to become of it, and logs it. Holds the turn, so that the log's order is the order of things. */
static long decide(const struct call *call, const long *args, const char *path, const char *second)
{
    char role[4096];
    struct stat before;
    uint64_t offset = 0;
    long result;
    enum kind kind = call->kind;
    if (kind == OPEN && may_create(call, args) &&
        crash_call(SYS_newfstatat, call->by == AT_PATH ? args[0] : AT_FDCWD, call->by == AT_PATH ? args[1] : args[0], (long)&before, 0, 0, 0) < 0)
        kind = CREATE;
    else if (kind == OPEN && ((call->by == AT_PATH ? args[2] : args[1]) & O_TRUNC))
        kind = TRUNCATE;
    if (call->number == SYS_pwrite64 || call->number == SYS_pwritev)
        offset = (uint64_t)args[3];
    else if (kind == WRITE)
        offset = (crash_call(SYS_fcntl, args[0], F_GETFL, 0, 0, 0, 0) & O_APPEND)
                     ? (crash_call(SYS_fstat, args[0], (long)&before, 0, 0, 0, 0), (uint64_t)before.st_size)
                     : (uint64_t)crash_call(SYS_lseek, args[0], 0, SEEK_CUR, 0, 0, 0);
    else if (kind == TRUNCATE && call->kind == TRUNCATE)
        offset = (uint64_t)args[1];
    role_of(path, role, sizeof role);
    if (plan.sticky == DEAD)
        return -EIO;
    if (plan.sticky == FULL && grows(call, kind, args, offset))
        return -ENOSPC;
    if (is_chosen(call, kind, role))
        return suffer(call, kind, args, path, second, offset);
    result = perform(call, args);
    note_done(call, kind, args, path, second, offset, result);
    return result;
}

/* The absolute path that a path argument means; the program's own directory never changes. */
static void absolute(long directory, const char *path, char *out)
{
    char link[64];
    if (path && *path == '/') {
        strncpy(out, path, 4095);
        return;
    }
    long length = 0;
    /* Only its lower half is given: the upper one of the register may be anything. */
    if ((int)directory == AT_FDCWD)
        length = crash_call(SYS_getcwd, (long)out, 4096, 0, 0, 0, 0) - 1;
    else {
        char digits[24];
        int at = 0;
        for (long rest = directory; at == 0 || rest > 0; rest /= 10)
            digits[at++] = (char)('0' + rest % 10);
        strcpy(link, "/proc/self/fd/");
        for (size_t end = strlen(link); at > 0; end++)
            link[end] = digits[--at], link[end + 1] = '\0';
        length = crash_call(SYS_readlink, (long)link, (long)out, 4095, 0, 0, 0);
    }
    if (length < 0)
        length = 0;
    out[length] = '\0';
    if (path && *path && (size_t)length + strlen(path) + 2 < 4096) {
        out[length++] = '/';
        strcpy(out + length, path);
    }
}

static long handle(long number, const long *args)
{
    const struct call *call = NULL;
    for (size_t at = 0; at < CALLS_LEN; at++)
        if (CALLS[at].number == number)
            call = &CALLS[at];
    if (!call) {
        char digits[] = "call 0000";
        for (int at = 8; at > 4; at--, number /= 10)
            digits[at] = (char)('0' + number % 10);
        note(UNKNOWN, digits, "", "", 0, 0, NULL, 0, 0);
        crash_call(SYS_exit_group, 99, 0, 0, 0, 0, 0);
    }
    char path[4096] = "", second[4096] = "";
    if (call->by == BY_FD)
        absolute(args[0], NULL, path);
    else
        absolute(call->by == AT_PATH ? args[0] : AT_FDCWD, (const char *)(call->by == AT_PATH ? args[1] : args[0]), path);
    if (call->kind == RENAME)
        absolute(call->by == AT_PATH ? args[2] : AT_FDCWD, (const char *)(call->by == AT_PATH ? args[3] : args[1]), second);
    const char *watched = below_root(path), *to = below_root(second);
    if (!watched && !(call->number == SYS_write && args[0] == 1))
        return perform(call, args);
    take_turn();
    long result;
    if (watched)
        result = decide(call, args, watched, to ? to : "");
    else {
        struct iovec one = {(void *)args[1], (size_t)args[2]};
        note(SAID, call->name, "", "", args[2], 0, &one, 1, (uint64_t)args[2]);
        result = perform(call, args);
    }
    give_turn();
    return result;
}

static void on_call(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    long args[6] = {registers[REG_RDI], registers[REG_RSI], registers[REG_RDX], registers[REG_R10], registers[REG_R8], registers[REG_R9]};
    registers[REG_RAX] = handle(info->si_syscall, args);
}

static void watch(void)
{
    struct sock_filter filter[BESIDE_LEN + 16];
    uint64_t own = (uint64_t)(uintptr_t)crash_called;
    size_t at = 0;
    filter[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer));
    filter[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)own, 0, 3);
    filter[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer) + 4);
    filter[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(own >> 32), 0, 1);
    filter[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    filter[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (size_t call = 0; call < BESIDE_LEN; call++)
        filter[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)BESIDE[call], (unsigned char)(BESIDE_LEN - call), 0);
    filter[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP);
    filter[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = {(unsigned short)at, filter};
    struct sigaction action = {.sa_sigaction = on_call, .sa_flags = SA_SIGINFO};
    sigemptyset(&action.sa_mask);
    if (sigaction(SIGSYS, &action, NULL) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        _exit(97);
}

__attribute__((constructor)) static void begin(void)
{
    const char *root = getenv("CRASH_ROOT"), *log = getenv("CRASH_LOG"), *fate = getenv("CRASH_FATE");
    if (!root || !log)
        return;
    strncpy(plan.root, root, sizeof plan.root - 1);
    plan.root_len = strlen(plan.root);
    if (fate) {
        strncpy(plan.call, getenv("CRASH_CALL"), sizeof plan.call - 1);
        strncpy(plan.role, getenv("CRASH_ROLE"), sizeof plan.role - 1);
        plan.nth = atol(getenv("CRASH_NTH"));
        plan.fate = atoi(fate);
    }
    plan.bytes = getenv("CRASH_BYTES") != NULL;
    int opened = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    /* Out of the way of the program's own descriptors, whose numbers stay what they are. */
    plan.log = fcntl(opened, F_DUPFD_CLOEXEC, 800);
    close(opened);
    if (plan.log < 0)
        _exit(97);
    watch();
}
