/* Writes a few records that have something of everything, for the fuzzer to start from. usage: seeds DIRECTORY */
#include "mkrecord.h"

#include <stdio.h>
#include <string.h>

static void save(struct mkrecord *r, const char *dir, const char *name) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s.twatch", dir, name);
    if (mkrecord_save(r, path) != 0) perror(path);
    mkrecord_free(r);
}

/* A Python queue and a join: locks of the threading module, known by the Python frames that made them. */
static void python(struct mkrecord *r, const uint32_t *t) {
    static const char *const texts[][3] = {
            {"Condition.wait\n/usr/lib/python3.11/threading.py\n313", "Queue.get\n/usr/lib/python3.11/queue.py\n171",
                    "consumer\n/srv/app.py\n8"},
            {"Condition.wait\n/usr/lib/python3.11/threading.py\n313", "Queue.put\n/usr/lib/python3.11/queue.py\n140",
                    "producer\n/srv/app.py\n5"},
            {"Thread._set_tstate_lock\n/usr/lib/python3.11/threading.py\n1013",
                    "Thread._bootstrap_inner\n/usr/lib/python3.11/threading.py\n1035", "\n\n"}};
    for (unsigned i = 0; i < 3; i++) {
        uint64_t pcs[3];
        for (unsigned k = 0; k < 3; k++)
            pcs[k] = TWATCH_FRAME_PYTHON | mkrecord_string(r, texts[i][k]);
        uint32_t stack = mkrecord_stack(r, pcs, 3),
                 lock = mkrecord_object(r, TWATCH_OBJ_SEM, 0x403000 + 64u * i, stack);
        mkrecord_object_at(r, lock)->flags |= TWATCH_OBJF_FOREIGN_POST;
        for (unsigned k = 0; k < 4; k++)
            mkrecord_use(r, &(struct twatch_use){.object = lock,
                                    .thread = t[k],
                                    .waits = k < 2 ? 9 : 0,
                                    .blocked = k < 2 ? 9 : 0,
                                    .wait_ns = 7000000,
                                    .posts = k < 2 ? 1 : 9,
                                    .level = 1,
                                    .wait_stack = stack,
                                    .post_stack = stack,
                                    .first_ns = 1100000000 + i,
                                    .last_ns = 1300000000});
    }
    mkrecord_header(r)->flags |= TWATCH_HDR_PYTHON;
}

/* Three workers at one condition variable, and three more that each have one of their own; thread 1 wakes them. */
static void pools(struct mkrecord *r, uint32_t stack) {
    uint32_t shared = mkrecord_object(r, TWATCH_OBJ_COND, 0x404000, stack);
    for (uint32_t k = 0; k < 6; k++) {
        uint32_t t = mkrecord_thread(r, 1, "pool"),
                 cond = k < 3 ? shared : mkrecord_object(r, TWATCH_OBJ_COND, 0x404000 + 64 * k, stack);
        struct twatch_use use = {.object = cond,
                .thread = t,
                .waits = 9,
                .blocked = 9,
                .wait_ns = k < 3 ? 700000000 : 70000000,
                .wait_stack = stack,
                .first_ns = 1050000000};
        mkrecord_use(r, &use);
        use = (struct twatch_use){.object = cond,
                .thread = 1,
                .posts = 12,
                .posts_to_nobody = 3,
                .post_stack = stack,
                .first_ns = 1060000000};
        if (k == 0 || k >= 3) mkrecord_use(r, &use);
    }
    /* A thread that no record can have, at what many wait for. */
    mkrecord_use(r, &(struct twatch_use){.object = shared, .thread = UINT32_MAX, .waits = 1, .wait_ns = 1, .wait_stack = stack});
    mkrecord_queue(r, &(struct twatch_queue){.object = shared,
                              .met = 9,
                              .met_ns = 900000,
                              .met_max_ns = 200000,
                              .left = 2,
                              .left_ns = 3000000,
                              .open = 1,
                              .open_since_ns = 1200000000});
}

static struct mkrecord *everything(uint32_t end) {
    struct mkrecord *r = mkrecord_new("/bin/app");
    uint32_t stack = mkrecord_stack(r, (uint64_t[]){0x400100, 0x400200, 0x400300}, 3), t[6], lock[6];
    for (int i = 0; i < 6; i++)
        t[i] = mkrecord_thread(r, i < 3 ? 1 : t[i - 3], "worker");
    for (int i = 0; i < 6; i++)
        lock[i] = mkrecord_object(r, (uint8_t)(1 + i % 5), 0x401000 + 64u * (unsigned)i, i % 2 ? stack : 0);
    for (int i = 0; i < 6; i++) {
        mkrecord_dep(r, t[i], lock[(i + 1) % 6], &lock[i], 1);
        mkrecord_dep(r, t[i], lock[i], &lock[(i + 1) % 6], 1);
        mkrecord_hold(r, t[i], lock[i], stack);
        struct twatch_slot *s = mkrecord_slot(r, t[i]);
        s->wait_kind = mkrecord_object_at(r, lock[(i + 1) % 6])->kind;
        s->wait_object = lock[(i + 1) % 6];
        s->wait_stack = stack;
        s->wait_since_ns = 1100000000;
    }
    for (uint32_t k = 2; k < 6; k++)
        mkrecord_like(r, lock[k], 0, &lock[k - 2]);
    for (uint32_t k = 1; k < TWATCH_INCIDENT_END; k++)
        mkrecord_incident(r, &(struct twatch_incident){.kind = k,
                                     .thread = t[k % 6],
                                     .object = lock[k % 6],
                                     .object2 = lock[(k + 1) % 6],
                                     .stack = stack,
                                     .other_thread = t[(k + 1) % 6],
                                     .other_stack = stack,
                                     .group = k / 3,
                                     .count = k,
                                     .aux = k % 4});
    for (uint32_t k = 0; k < 6; k++) {
        mkrecord_use(r, &(struct twatch_use){.object = lock[3 + k % 2],
                                .thread = t[k],
                                .waits = k,
                                .posts = 2,
                                .posts_to_nobody = 1,
                                .balance = 1,
                                .mutex = lock[0]});
        mkrecord_interval(r, &(struct twatch_interval){.thread = t[k],
                                     .object = lock[k],
                                     .stack = stack,
                                     .other = k % 2 ? lock[0] : t[1],
                                     .what = (uint8_t)(1 + k % 2),
                                     .kind = (uint8_t)(1 + k % 5),
                                     .flags = (uint16_t)k,
                                     .start_ns = 1200000000 + k * 10000000,
                                     .duration_ns = 5000000});
        mkrecord_stat(r, &(struct twatch_stat){.object = lock[k], .stack = stack, .contended = 3, .wait_ns = 5});
        struct twatch_race race = {.where = k % 5,
                .count = 1,
                .usual_lock = k % 2 ? lock[0] : 0,
                .usual_count = 9,
                .side = {{.thread = t[k],
                                 .stack = stack,
                                 .pc = 0x400100,
                                 .address = 0x402000,
                                 .size = 4,
                                 .flags = k,
                                 .nlocks = 1},
                        {.thread = t[(k + 1) % 6],
                                .pc = 0x400200,
                                .address = 0x402000,
                                .size = 4,
                                .flags = 1,
                                .nlocks = 1}}};
        mkrecord_race(r, &race, (uint32_t[]){lock[0], lock[1]});
    }
    if (end % 2)
        python(r, t);
    else
        pools(r, stack);
    mkrecord_end(r, t[0], TWATCH_THREAD_RETURNED);
    mkrecord_join(r, 1, t[1]);
    mkrecord_join(r, t[2], t[5]);
    mkrecord_header(r)->end = end;
    return r;
}

int main(int argc, char **argv) {
    const char *dir = argc > 1 ? argv[1] : ".";
    for (uint32_t end = 0; end <= TWATCH_END_DEADLOCK; end++) {
        char name[32];
        snprintf(name, sizeof name, "everything-%u", end);
        struct mkrecord *r = everything(end);
        save(r, dir, name);
    }
    save(mkrecord_new("/bin/empty"), dir, "empty");
    return 0;
}
