#include "symbol/source.h"

#include "base/hash.h"
#include "base/vec.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SOURCE_LARGEST = 16 << 20, SOURCE_TOTAL = 256 << 20 };

struct source_file {
    char *path;
    char *text; /* with NUL in place of each line's end; NULL not there */
    VEC(const char *) lines;
    UT_hash_handle hh;
};

struct source {
    struct source_file *files;
    size_t bytes; /* read so far: a hostile record may name every file of the disk */
};

struct source *source_new(void) {
    return mem_new(1, sizeof(struct source));
}

void source_free(struct source *s) {
    struct source_file *f, *next;
    HASH_ITER(hh, s->files, f, next) {
        HASH_DEL(s->files, f);
        free(f->path);
        free(f->text);
        vec_free(&f->lines);
        free(f);
    }
    free(s);
}

static char *source_read(struct source *s, const char *path, size_t *length) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st;
    if (fd < 0) return NULL;
    char *text = NULL;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 && st.st_size <= SOURCE_LARGEST &&
            s->bytes + (size_t)st.st_size <= SOURCE_TOTAL) {
        text = mem_new((size_t)st.st_size + 1, 1);
        ssize_t n = read(fd, text, (size_t)st.st_size);
        *length = n > 0 ? (size_t)n : 0;
        s->bytes += *length;
    }
    close(fd);
    return text;
}

static struct source_file *source_open(struct source *s, const char *path) {
    struct source_file *f = mem_new(1, sizeof *f);
    f->path = strcpy(mem_new(strlen(path) + 1, 1), path);
    size_t length = 0;
    f->text = source_read(s, path, &length);
    for (char *at = f->text, *end = at + length; at && at < end;) {
        vec_push(&f->lines, at);
        char *stop = memchr(at, '\n', (size_t)(end - at));
        if (!stop) break;
        *stop = 0;
        if (stop > at && stop[-1] == '\r') stop[-1] = 0;
        at = stop + 1;
    }
    HASH_ADD_KEYPTR(hh, s->files, f->path, strlen(f->path), f);
    return f;
}

const char *source_line(struct source *s, const char *path, uint32_t line) {
    struct source_file *f;
    if (!path || *path != '/' || !line) return NULL;
    HASH_FIND_STR(s->files, path, f);
    if (!f) f = source_open(s, path);
    return line <= f->lines.n ? f->lines.at[line - 1] : NULL;
}
