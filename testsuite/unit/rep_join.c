/*
 * Lock orders across runs: an order in one record and its reverse in another is found; both in one record is that
 * record's business; joining is associative and commutative; a thousand records join in time; damaged joined records
 * crash nothing.
 */
#include "base/arena.h"
#include "join.h"
#include "mkrecord.h"
#include "record/reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int failures;
#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition), failures++;                  \
    } while (0)

struct image {
    unsigned char *bytes;
    size_t size;
};

/* A run: `orders` bit 0: a then b, bit 1: b then a; `main_thread`: by the main thread. Every run is loaded at another
 * address. */
static struct image run(uint64_t cookie, unsigned orders, bool main_thread) {
    struct mkrecord *r = mkrecord_new("/bin/app");
    uint64_t bias = 0x10000000 * (1 + cookie % 1000);
    mkrecord_module(r, "/lib/libwork.so", bias, bias, bias + 0x10000);
    mkrecord_header(r)->inode_cookie = cookie;
    mkrecord_header(r)->pid = (int32_t)cookie;
    uint32_t worker = main_thread ? 1 : mkrecord_thread(r, 1, "worker");
    uint32_t a = mkrecord_object(r, TWATCH_OBJ_MUTEX, bias + 0x8000, 0),
             b = mkrecord_object(r, TWATCH_OBJ_MUTEX, bias + 0x8040, 0);
    if (orders & 1) mkrecord_dep(r, worker, b, &a, 1);
    if (orders & 2) mkrecord_dep(r, worker, a, &b, 1);
    struct image image;
    image.bytes = mkrecord_image(r, &image.size);
    mkrecord_free(r);
    return image;
}

static void add(struct join *j, const struct image *image) {
    struct record record;
    struct model model;
    struct err err = {0};
    memset(&record, 0, sizeof record);
    memset(&model, 0, sizeof model);
    if (!record_from_memory(&record, image->bytes, image->size, "app.twatch", &err)) {
        fprintf(stderr, "%s\n", err.text);
        failures++;
        return;
    }
    model_build(&model, &record);
    join_add(j, &model);
    model_free(&model);
    record_close(&record);
}

static struct image join_all(const struct image *images, size_t n) {
    struct join *j = join_new();
    for (size_t i = 0; i < n; i++)
        add(j, &images[i]);
    struct image out;
    out.bytes = join_image(j, &out.size);
    join_free(j);
    return out;
}

/* How many circles a joined record has; their messages go to `text` when that is not NULL. */
static size_t circles(const struct image *image, char *text, size_t size) {
    struct record record;
    struct model model;
    struct finding_list list = {0};
    struct err err = {0};
    memset(&record, 0, sizeof record);
    memset(&model, 0, sizeof model);
    if (!record_from_memory(&record, image->bytes, image->size, "joined", &err)) return 0;
    model_build(&model, &record);
    join_find(&model, &list);
    size_t n = list.all.n;
    if (text) snprintf(text, size, "%s", n ? list.all.at[0]->message : "");
    list_free(&list);
    model_free(&model);
    record_close(&record);
    return n;
}

static size_t found(const struct image *images, size_t n) {
    struct image joined = join_all(images, n);
    size_t result = circles(&joined, NULL, 0);
    free(joined.bytes);
    return result;
}

static void rules(void) {
    struct image ab = run(1, 1, false), ba = run(2, 2, false), both = run(3, 3, false), main_ab = run(4, 1, true),
                 main_ba = run(5, 2, true);
    CHECK(found((struct image[]){ab}, 1) == 0);
    CHECK(found((struct image[]){ab, ba}, 2) == 1);
    CHECK(found((struct image[]){ba, ab}, 2) == 1);
    CHECK(found((struct image[]){ab, ab}, 2) == 0);
    CHECK(found((struct image[]){both}, 1) == 0);
    CHECK(found((struct image[]){ab, ba, both}, 3) == 0);     /* judged where both were seen together */
    CHECK(found((struct image[]){main_ab, main_ba}, 2) == 0); /* two main threads are never in one process */
    CHECK(found((struct image[]){main_ab, ba}, 2) == 1);
    free(ab.bytes), free(ba.bytes), free(both.bytes), free(main_ab.bytes), free(main_ba.bytes);
}

static void grouping(void) {
    enum { N = 9 };
    struct image images[N], parts[3], reversed[N];
    char one[1024], two[1024], three[1024];
    for (unsigned i = 0; i < N; i++)
        images[i] = run(10 + i, i % 2 ? 1 : 2, false);
    for (int i = 0; i < N; i++)
        reversed[N - 1 - i] = images[i];
    for (int i = 0; i < 3; i++)
        parts[i] = join_all(images + 3 * i, 3);
    struct image all = join_all(images, N), grouped = join_all(parts, 3), turned = join_all(reversed, N);
    CHECK(circles(&all, one, sizeof one) == 1);
    CHECK(circles(&grouped, two, sizeof two) == 1);
    CHECK(circles(&turned, three, sizeof three) == 1);
    CHECK(strcmp(one, two) == 0 && strcmp(one, three) == 0);
    for (int i = 0; i < N; i++)
        free(images[i].bytes);
    for (int i = 0; i < 3; i++)
        free(parts[i].bytes);
    free(all.bytes), free(grouped.bytes), free(turned.bytes);
}

static void thousand(void) {
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    struct join *j = join_new();
    for (unsigned i = 0; i < 1000; i++) {
        struct image image = run(1000 + i, i == 777 ? 2 : 1, false);
        add(j, &image);
        free(image.bytes);
    }
    struct image joined;
    joined.bytes = join_image(j, &joined.size);
    join_free(j);
    CHECK(circles(&joined, NULL, 0) == 1);
    CHECK(joined.size < 1 << 20);
    free(joined.bytes);
    clock_gettime(CLOCK_MONOTONIC, &end);
    CHECK(end.tv_sec - start.tv_sec < 10);
}

static void damaged(void) {
    struct image images[2] = {run(1, 1, false), run(2, 2, false)}, joined = join_all(images, 2);
    unsigned seed = 3;
    for (int i = 0; i < 1500; i++) {
        struct image broken = {malloc(joined.size), joined.size};
        memcpy(broken.bytes, joined.bytes, joined.size);
        for (int k = 0; k < 1 + i % 5; k++) {
            seed = seed * 1103515245 + 12345;
            broken.bytes[64 + (seed >> 6) % (joined.size - 64)] = (unsigned char)(seed >> 24);
        }
        struct record record;
        struct model model;
        struct err err = {0};
        memset(&record, 0, sizeof record);
        memset(&model, 0, sizeof model);
        circles(&broken, NULL, 0);
        if (record_from_memory(&record, broken.bytes, broken.size, "broken", &err)) {
            struct join *j = join_new();
            size_t size;
            model_build(&model, &record);
            join_add(j, &model);
            free(join_image(j, &size));
            join_free(j);
            model_free(&model);
            record_close(&record);
        }
        free(broken.bytes);
    }
    free(images[0].bytes), free(images[1].bytes), free(joined.bytes);
}

int main(void) {
    rules();
    grouping();
    thousand();
    damaged();
    return failures != 0;
}
