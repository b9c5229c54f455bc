/*
 * The record lives in segments whose sizes double, so that a file offset finds its address with a bit scan and nothing ever moves:
 *
 *     segment 0: [0, S)   segment 1: [S, 2S)   segment 2: [2S, 4S)   segment k: [2^(k-1) S, 2^k S)      S = SEGMENT0
 *
 * Space is allocated in the file (fallocate) before a chunk in it is touched: a full disk is an error return here and never a SIGBUS.
 */
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "config.h"

enum { SEGMENT0 = 256 * 1024, SEGMENTS = 32, GROW = 128 * 1024, FD_MIN = 700 };

static char first_segment[SEGMENT0] __attribute__((aligned(TWATCH_PAGE)));
struct twatch_header *tw_header = (struct twatch_header *)(void *)first_segment;

static char *segments[SEGMENTS] = {first_segment};
static struct tw_lock lock;       /* chunks, file, segments */
static struct tw_lock string_lock;
static int file = -1;             /* of the record; checked by (device, inode) before every use: the program may close any descriptor */
static uint64_t file_dev, file_ino;
static uint64_t allocated;        /* bytes of the file that have space on disk */
static char path[4096];
static char program[64];          /* the name it was called by, for the name of the record */
static bool in_file, failed;

static uint64_t segment_start(unsigned k) { return k == 0 ? 0 : (uint64_t)SEGMENT0 << (k - 1); }
static uint64_t segment_size(unsigned k) { return k == 0 ? SEGMENT0 : (uint64_t)SEGMENT0 << (k - 1); }
static unsigned segment_of(uint64_t offset) {
    uint64_t q = offset / SEGMENT0;
    return q == 0 ? 0 : 64u - (unsigned)__builtin_clzll(q);
}
static char *at(uint64_t offset) {
    unsigned k = segment_of(offset);
    return segments[k] + (offset - segment_start(k));
}

void *tw_store_at(uint64_t offset) { return at(offset); }

void tw_store_loss(uint32_t kind, uint64_t n) { __atomic_fetch_add(&tw_header->losses[kind], n, __ATOMIC_RELAXED); }

static bool fd_is_ours(int fd) {
    struct stat st;
    if (fd < 0 || tw_sys(SYS_fstat, fd, &st) < 0) return false;
    return (uint64_t)st.st_dev == file_dev && (uint64_t)st.st_ino == file_ino;
}

/* The descriptor, opened again by name if the program closed it. -1: gone (chroot, privileges). */
static int descriptor(void) {
    if (fd_is_ours(file)) return file;
    int fd = (int)tw_sys(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) return -1;
    if (!fd_is_ours(fd)) {
        tw_sys(SYS_close, fd);
        return -1;
    }
    return file = fd;
}

/* Space on disk up to `end`. Beyond RLIMIT_FSIZE the kernel would send SIGXFSZ: ask first. */
static bool allocate(uint64_t end) {
    if (end <= allocated) return true;
    struct rlimit limit;
    uint64_t want = (end + GROW - 1) / GROW * GROW;
    if (tw_sys(SYS_prlimit64, 0, RLIMIT_FSIZE, 0, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
        if (end > limit.rlim_cur) return false;
        if (want > limit.rlim_cur) want = end;
    }
    int fd = descriptor();
    if (fd < 0) return false;
    long rc = tw_sys(SYS_fallocate, fd, 0, allocated, want - allocated);
    if (rc == -95 || rc == -38) { /* EOPNOTSUPP, ENOSYS: write zeros instead */
        static const char zeros[TWATCH_PAGE];
        for (uint64_t o = allocated; o < want; o += TWATCH_PAGE)
            if (tw_sys(SYS_pwrite64, fd, zeros, TWATCH_PAGE, o) != TWATCH_PAGE) return false;
    } else if (rc < 0) {
        if (want == end) return false;
        rc = tw_sys(SYS_fallocate, fd, 0, allocated, end - allocated);
        if (rc < 0) return false;
        want = end;
    }
    allocated = want;
    return true;
}

static bool map_segment(unsigned k) {
    if (segments[k]) return true;
    int fd = in_file ? descriptor() : -1;
    if (in_file && fd < 0) return false;
    long p = tw_sys(SYS_mmap, 0, segment_size(k), PROT_READ | PROT_WRITE, in_file ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
            fd, in_file ? segment_start(k) : 0);
    if (p < 0 && p > -4096) return false;
    __atomic_store_n(&segments[k], (char *)p, __ATOMIC_RELEASE);
    return true;
}

/* A chunk must not straddle segments: what is left of one is passed over (a reader steps over pages of zeros). */
static uint64_t reserve(uint64_t bytes) {
    uint64_t offset = tw_header->alloc_end;
    unsigned k = segment_of(offset);
    while (offset + bytes > segment_start(k) + segment_size(k)) {
        if (++k >= SEGMENTS) return 0;
        offset = segment_start(k);
    }
    if (offset + bytes > (uint64_t)TW_CONFIG(max_record)) {
        tw_store_loss(TWATCH_LOSS_BUDGET, 1);
        return 0;
    }
    if (!map_segment(k) || (in_file && !allocate(offset + bytes))) {
        tw_store_loss(TWATCH_LOSS_SPACE, 1);
        return 0;
    }
    tw_header->alloc_end = offset + bytes;
    return offset;
}

struct twatch_chunk *tw_store_chunk(uint32_t kind, uint32_t elem_size, size_t bytes, uint32_t first_id, uint32_t owner) {
    size_t pages = (bytes + sizeof(struct twatch_chunk) + TWATCH_PAGE - 1) / TWATCH_PAGE;
    tw_lock_take(&lock);
    uint64_t offset = pages <= UINT16_MAX ? reserve(pages * TWATCH_PAGE) : 0;
    tw_lock_give(&lock);
    if (offset == 0) return NULL;
    struct twatch_chunk *c = (struct twatch_chunk *)(void *)at(offset);
    c->kind = (uint16_t)kind;
    c->pages = (uint16_t)pages;
    c->offset = offset;
    c->first_id = first_id;
    c->elem_size = elem_size;
    c->owner = owner;
    __atomic_store_n(&c->magic, TWATCH_CHUNK_MAGIC, __ATOMIC_RELEASE);
    return c;
}

uint64_t tw_store_offset(const void *p) {
    const char *c = p;
    for (unsigned k = 0; k < SEGMENTS && segments[k]; k++)
        if (c >= segments[k] && c < segments[k] + segment_size(k)) return segment_start(k) + (uint64_t)(c - segments[k]);
    return 0;
}

/* ---- the file ---- */

static void build_path(unsigned attempt) {
    const char *prefix = tw_config_text(TW_OPTION_log_path);
    static char cwd[2048];
    const char *dir = "", *slash = "";
    struct stat st;
    size_t length = tw_sys_length(prefix);
    if (length == 0 || prefix[0] != '/') {
        if (tw_sys(SYS_getcwd, cwd, sizeof cwd) > 0) dir = cwd, slash = "/";
    }
    bool is_dir = length == 0 || prefix[length - 1] == '/' || (tw_sys(SYS_newfstatat, AT_FDCWD, prefix, &st, 0) == 0 && S_ISDIR(st.st_mode));
    const char *join = length == 0 || prefix[length - 1] == '/' ? "" : is_dir ? "/" : ".";
    long n = (long)tw_sys_format(path, sizeof path - 16, "%s%s%s%s%s.%u", dir, slash, prefix, join, program, (uint64_t)tw_header->pid);
    if (attempt > 0) n += (long)tw_sys_format(path + n, 8, ".%u", (uint64_t)attempt + 1);
    tw_sys_format(path + n, 8, ".twatch");
}

/* log_path=DIR/ names a directory that may have to be made: the last part of it. */
static bool make_directory(void) {
    size_t n = tw_sys_length(tw_config_text(TW_OPTION_log_path));
    if (n < 2 || tw_config_text(TW_OPTION_log_path)[n - 1] != '/') return false;
    for (n = tw_sys_length(path); n > 1 && path[n - 1] != '/';)
        n--;
    path[n - 1] = 0;
    long made = tw_sys(SYS_mkdir, path, 0777);
    return made == 0 || made == -17; /* EEXIST: another process was faster */
}

static int open_path(void) {
    return (int)tw_sys(SYS_openat, AT_FDCWD, path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
}

/* 0600, never through a symlink, never over an existing file. A high number keeps the program's own descriptors as they would be. */
static int create_file(void) {
    for (unsigned attempt = 0; attempt < 100; attempt++) {
        build_path(attempt);
        int fd = open_path();
        if (fd == -2 && attempt == 0 && make_directory()) { /* ENOENT */
            build_path(0);
            fd = open_path();
        }
        if (fd == -17) continue; /* EEXIST */
        if (fd < 0) return fd;
        int high = (int)tw_sys(SYS_fcntl, fd, F_DUPFD_CLOEXEC, FD_MIN);
        if (high < 0) return fd;
        tw_sys(SYS_close, fd);
        return high;
    }
    return -17;
}

/* Writes what is there and maps the file over it, segment by segment. Runs before the second thread exists, or else under the lock with the
   other threads' stores to the private pages between copy and remap lost: only the first incident of a process without threads comes here late. */
static bool move_into_file(void) {
    uint64_t end = tw_header->alloc_end;
    if (!allocate(end)) return false;
    for (unsigned k = 0; k < SEGMENTS && segments[k] && segment_start(k) < end; k++) {
        uint64_t n = segment_size(k);
        if (segment_start(k) + n > end) n = end - segment_start(k);
        for (uint64_t done = 0; done < n;) {
            long w = tw_sys(SYS_pwrite64, file, segments[k] + done, n - done, segment_start(k) + done);
            if (w <= 0) return false;
            done += (uint64_t)w;
        }
    }
    for (unsigned k = 0; k < SEGMENTS && segments[k]; k++) {
        long p = tw_sys(SYS_mmap, segments[k], segment_size(k), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, segment_start(k));
        if (p < 0 && p > -4096) return false;
    }
    return true;
}

void (*tw_store_failed)(void);

bool tw_store_open_file(void) {
    if (in_file) return true;
    if (failed) return false;
    tw_lock_take(&lock);
    if (!in_file && !failed) {
        struct stat st;
        int fd = create_file();
        file = fd;
        if (fd >= 0 && tw_sys(SYS_fstat, fd, &st) == 0) {
            file_dev = (uint64_t)st.st_dev;
            file_ino = (uint64_t)st.st_ino;
            in_file = move_into_file();
            if (!in_file) tw_sys(SYS_unlink, path);
        }
        if (!in_file) {
            failed = true;
            tw_store_loss(TWATCH_LOSS_SPACE, 1);
            tw_sys_say("twatch: cannot write the record %s (error %d): this process is not recorded\n", path, (int64_t)(fd < 0 ? -fd : 28));
            if (tw_store_failed) tw_store_failed();
        }
    }
    tw_lock_give(&lock);
    return in_file;
}

bool tw_store_has_file(void) { return in_file; }
const char *tw_store_path(void) { return path; }

/* ---- start and fork ---- */

static void start_header(void) {
    struct twatch_header *h = tw_header;
    tw_sys_copy(h->magic, TWATCH_MAGIC, sizeof h->magic);
    h->version = TWATCH_RECORD_VERSION;
    h->header_size = TWATCH_PAGE;
    h->alloc_end = TWATCH_PAGE;
    h->start_ns = h->alive_ns = tw_sys_now();
    struct { long s, ns; } real = {0, 0};
    tw_sys(SYS_clock_gettime, 0, &real);
    h->start_realtime_ns = (uint64_t)real.s * 1000000000u + (uint64_t)real.ns;
    h->pid = (int32_t)tw_sys(SYS_getpid);
    h->parent_pid = (int32_t)tw_sys(SYS_getppid);
    h->inode_cookie = tw_sys_mix(h->start_realtime_ns ^ ((uint64_t)h->pid << 32));
    tw_sys_copy(h->twatch_version, TWATCH_VERSION, sizeof TWATCH_VERSION < 16 ? sizeof TWATCH_VERSION : 15);
}

/* The name may be anything: what a shell or a terminal would take amiss becomes an underscore. */
static void name_program(void) {
    const char *name = program_invocation_short_name;
    size_t n = 0;
    for (; name && name[n] && n < sizeof program - 1; n++) {
        char c = name[n];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '+' || c == '-';
        program[n] = plain ? c : '_';
    }
    if (n == 0) tw_sys_copy(program, "program", sizeof "program");
    if (program[0] == '-' || program[0] == '.') program[0] = '_'; /* a login shell; a hidden file */
}

void tw_store_init(void) {
    name_program();
    start_header();
}

static struct string_table { uint64_t hash; uint32_t id, length; const char *text; } *strings;
static uint32_t nstrings, strings_room;
static struct tw_stream string_stream = {.kind = TWATCH_CHUNK_STRING};

void tw_store_forked(void) {
    /* first_segment is a page-aligned array of ours: put private pages in place of the parent's shared ones. */
    if (file >= 0 && fd_is_ours(file)) tw_sys(SYS_close, file);
    file = -1;
    tw_sys(SYS_mmap, first_segment, SEGMENT0, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    for (unsigned k = 1; k < SEGMENTS; k++) {
        if (segments[k]) tw_sys(SYS_munmap, segments[k], segment_size(k));
        segments[k] = NULL;
    }
    in_file = failed = false;
    allocated = 0;
    lock = string_lock = (struct tw_lock){0};
    strings = NULL;
    nstrings = strings_room = 0;
    string_stream = (struct tw_stream){.kind = TWATCH_CHUNK_STRING};
    start_header();
    tw_header->flags |= TWATCH_HDR_FORKED;
}

/* ---- tables ---- */

enum { DIRECTORY = 1 << 16 };

/* Under the table's lock: the chunk for the next element. */
static struct twatch_chunk *next_chunk(struct tw_table *t) {
    if (!t->directory) t->directory = tw_sys_pages(DIRECTORY * sizeof(void *));
    uint32_t c = t->count / t->per_chunk;
    if (!t->directory || c >= DIRECTORY) return NULL;
    if (!t->directory[c])
        t->directory[c] = tw_store_chunk(t->kind, t->elem_size, (size_t)t->per_chunk * t->elem_size, t->count + 1, 0);
    return t->directory[c];
}

void tw_table_reserve(struct tw_table *t) {
    tw_lock_take(&t->lock);
    next_chunk(t);
    tw_lock_give(&t->lock);
}

void *tw_table_new(struct tw_table *t, uint32_t *id, uint32_t loss) {
    tw_lock_take(&t->lock);
    uint32_t n = t->count;
    struct twatch_chunk *chunk = next_chunk(t);
    char *element = NULL;
    if (chunk) {
        element = (char *)(chunk + 1) + (size_t)(n % t->per_chunk) * t->elem_size;
        *id = n + 1;
        __atomic_store_n(&chunk->used, (n % t->per_chunk + 1) * t->elem_size, __ATOMIC_RELEASE);
        __atomic_store_n(&t->count, n + 1, __ATOMIC_RELEASE);
    } else {
        *id = 0;
        tw_store_loss(loss, 1);
    }
    tw_lock_give(&t->lock);
    return element;
}

void tw_table_forget(struct tw_table *t) {
    t->lock = (struct tw_lock){0};
    if (t->directory) tw_sys_zero(t->directory, (t->count / t->per_chunk + 1) * sizeof(void *));
    t->count = 0;
}

/* ---- streams ---- */

void *tw_stream_append(struct tw_stream *s, uint32_t bytes, uint32_t owner) {
    if (!s->chunk || s->room < bytes) {
        if (s->next_pages == 0) s->next_pages = 1;
        size_t want = (size_t)s->next_pages * TWATCH_PAGE - sizeof(struct twatch_chunk);
        if (want < bytes) want = bytes;
        struct twatch_chunk *c = tw_store_chunk(s->kind, 0, want, 0, owner);
        if (!c) return NULL;
        s->chunk = c;
        s->room = (uint32_t)(c->pages * TWATCH_PAGE - sizeof *c);
        if (s->next_pages < 16) s->next_pages *= 2;
    }
    char *element = (char *)(s->chunk + 1) + s->chunk->used;
    *(uint32_t *)(void *)element = bytes;
    s->room -= bytes;
    return element;
}

void tw_stream_seal(struct tw_stream *s, const void *element) {
    __atomic_store_n(&s->chunk->used, s->chunk->used + *(const uint32_t *)element, __ATOMIC_RELEASE);
}

/* ---- strings ---- */

static uint64_t hash_text(const char *s, size_t n) { /* FNV-1a */
    uint64_t h = 0xcbf29ce484222325ull;
    for (size_t i = 0; i < n; i++) h = (h ^ (unsigned char)s[i]) * 0x100000001b3ull;
    return h | 1;
}

static bool grow_strings(void) {
    uint32_t room = strings_room ? strings_room * 2 : 256;
    struct string_table *bigger = tw_sys_memory(room * sizeof *bigger);
    if (!bigger) return false;
    for (uint32_t i = 0; i < strings_room; i++) {
        if (!strings[i].hash) continue;
        uint32_t k = (uint32_t)strings[i].hash & (room - 1);
        while (bigger[k].hash) k = (k + 1) & (room - 1);
        bigger[k] = strings[i];
    }
    strings = bigger;
    strings_room = room;
    return true;
}

static uint32_t new_string(struct string_table *slot, uint64_t h, const char *text, size_t length) {
    struct twatch_string *s = tw_stream_append(&string_stream, (uint32_t)(sizeof *s + length + 1 + 7) & ~7u, 0);
    if (!s) return 0;
    s->id = ++nstrings;
    s->length = (uint32_t)length;
    tw_sys_copy(s->text, text, length);
    tw_stream_seal(&string_stream, s);
    *slot = (struct string_table){h, s->id, (uint32_t)length, s->text};
    return s->id;
}

uint32_t tw_store_string(const char *text, size_t length) {
    if (length > 32 * 1024) length = 32 * 1024;
    uint64_t h = hash_text(text, length);
    uint32_t id = 0;
    tw_lock_take(&string_lock);
    if ((nstrings + 1) * 2 <= strings_room || grow_strings()) {
        uint32_t k = (uint32_t)h & (strings_room - 1);
        while (strings[k].hash && !(strings[k].hash == h && strings[k].length == length && tw_sys_equal(strings[k].text, text, length)))
            k = (k + 1) & (strings_room - 1);
        id = strings[k].hash ? strings[k].id : new_string(&strings[k], h, text, length);
    }
    tw_lock_give(&string_lock);
    return id;
}
