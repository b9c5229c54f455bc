/* Writes the stored record of rep_stored.sh: a bank with two accounts, taken in both orders, a counter that races, and
 * an unlock too many. Usage: FILE */
#include "mkrecord.h"

#include <stdio.h>
#include <string.h>

/* Python frames: function, file and line are texts in the record, so that no compiler has a say in the reports. */
static uint32_t stack(struct mkrecord *r, const char *const *frames, uint16_t n) {
    uint64_t pc[8];
    for (uint16_t i = 0; i < n; i++)
        pc[i] = TWATCH_FRAME_PYTHON | mkrecord_string(r, frames[i]);
    return mkrecord_stack(r, pc, n);
}
#define STACK(r, ...) stack(r, (const char *[]){__VA_ARGS__}, sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *))

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    struct mkrecord *r = mkrecord_new("/src/bank");
    uint32_t first = mkrecord_thread(r, 1, "first"), second = mkrecord_thread(r, 1, "second");
    mkrecord_thread_at(r, first)->create_stack = STACK(r, "main\n/src/bank.c\n40");
    mkrecord_thread_at(r, second)->create_stack = STACK(r, "main\n/src/bank.c\n41");
    uint32_t a = mkrecord_object(
            r, TWATCH_OBJ_MUTEX, 0x7f0000001000, STACK(r, "open_account\n/src/bank.c\n38", "main\n/src/bank.c\n80"));
    uint32_t b = mkrecord_object(
            r, TWATCH_OBJ_MUTEX, 0x7f0000002000, STACK(r, "open_savings\n/src/bank.c\n39", "main\n/src/bank.c\n81"));
    uint32_t outer1 = STACK(r, "transfer\n/src/bank.c\n13", "run_first\n/src/bank.c\n22");
    uint32_t inner1 = STACK(r, "transfer\n/src/bank.c\n14", "run_first\n/src/bank.c\n22");
    uint32_t outer2 = STACK(r, "transfer\n/src/bank.c\n13", "run_second\n/src/bank.c\n27");
    uint32_t inner2 = STACK(r, "transfer\n/src/bank.c\n14", "run_second\n/src/bank.c\n27");
    mkrecord_dep_full(r, first, b, 0, 0, inner1, 0, &(struct twatch_dep_held){.object = a, .stack = outer1}, 1);
    mkrecord_dep_full(r, second, a, 0, 0, inner2, 0, &(struct twatch_dep_held){.object = b, .stack = outer2}, 1);
    mkrecord_incident(r, &(struct twatch_incident){.kind = TWATCH_INCIDENT_UNLOCK_NOT_HELD,
                                 .thread = second,
                                 .object = a,
                                 .stack = STACK(r, "close\n/src/bank.c\n60", "run_second\n/src/bank.c\n29"),
                                 .first_ns = 1500000000,
                                 .last_ns = 1500000000,
                                 .count = 2});
    mkrecord_stat(r, &(struct twatch_stat){
                             .object = a, .stack = outer1, .contended = 7, .wait_ns = 5000000, .wait_max_ns = 2000000});
    struct twatch_interval waited = {.thread = first,
            .object = b,
            .stack = inner1,
            .what = TWATCH_INTERVAL_WAIT,
            .kind = TWATCH_OBJ_MUTEX,
            .start_ns = mkrecord_header(r)->start_ns + 2000000,
            .duration_ns = 2000000};
    mkrecord_interval(r, &waited);
    waited.start_ns += 2500000;
    waited.flags = TWATCH_INTERVAL_VAIN;
    mkrecord_interval(r, &waited);
    waited.what = TWATCH_INTERVAL_HOLD;
    waited.object = a;
    waited.stack = outer1;
    waited.flags = TWATCH_INTERVAL_LATE;
    waited.start_ns -= 3500000;
    waited.duration_ns = 6000000;
    mkrecord_interval(r, &waited);
    mkrecord_header(r)->interval_least_ns = 1000000;
    mkrecord_join(r, 1, first);
    mkrecord_join(r, 1, second);
    int status = mkrecord_save(r, argv[1]);
    mkrecord_free(r);
    return status != 0;
}
