/*
 * Records for rep_large.sh and the benchmark.
 * usage: rep_large findings FILE PROGRAM [COUNT PLACES] | records DIRECTORY COUNT | dependencies FILE COUNT
 * findings: one record with 10,000 findings of several kinds, each in two stacks of PROGRAM that no other has; their
 * frames lie anywhere, or at so many places.
 * records: COUNT records of one program, each with its own few hundred lock orders; two of them disagree.
 * dependencies: one record with COUNT distinct lock dependencies that keep to one order.
 */
#include "mkrecord.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FINDINGS = 10000, DEPTH = 12, LOCKS = 40, THREADS = 8, BIAS = 0x10000000 };

static uint32_t seed = 1;

static uint32_t draw(uint32_t below) {
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % below;
}

/* Where the program's code lies; ends the program when it is no ELF file. */
static void code_of(const char *path, uint64_t *from, uint64_t *size) {
    Elf64_Ehdr head;
    Elf64_Phdr p;
    FILE *in = fopen(path, "r");
    if (!in || fread(&head, sizeof head, 1, in) != 1 || memcmp(head.e_ident, ELFMAG, SELFMAG) != 0) exit(2);
    for (int i = 0; i < head.e_phnum; i++) {
        if (fseek(in, (long)(head.e_phoff + (uint64_t)i * sizeof p), SEEK_SET) != 0 || fread(&p, sizeof p, 1, in) != 1)
            exit(2);
        if (p.p_type == PT_LOAD && p.p_flags & PF_X) *from = p.p_vaddr, *size = p.p_filesz;
    }
    fclose(in);
}

static uint64_t place(uint32_t places, uint64_t size) {
    return places ? draw(places) * (size / places) : draw((uint32_t)size);
}

static int findings(const char *file, const char *program, uint32_t count, uint32_t places) {
    static const uint16_t kinds[] = {
            TWATCH_INCIDENT_UNLOCK_NOT_HELD, TWATCH_INCIDENT_DESTROY_LOCKED, TWATCH_INCIDENT_USE_AFTER_DESTROY};
    uint64_t from = 0, size = 1, pc[DEPTH];
    code_of(program, &from, &size);
    struct mkrecord *r = mkrecord_new(program);
    mkrecord_module(r, program, BIAS, BIAS + from, BIAS + from + size);
    for (uint32_t i = 0; i < count; i++) {
        if (i % 100 == 0) mkrecord_thread(r, 1, "worker");
        for (int k = 0; k < DEPTH; k++)
            pc[k] = BIAS + from + place(places, size);
        uint32_t stack = mkrecord_stack(r, pc, DEPTH);
        for (int k = 0; k < DEPTH; k++)
            pc[k] = BIAS + from + place(places, size);
        mkrecord_incident(r, &(struct twatch_incident){.kind = kinds[i % 3],
                                     .thread = 2 + i / 100,
                                     .object = mkrecord_object(r, TWATCH_OBJ_MUTEX, 0x7f0000000000 + 64ull * i, stack),
                                     .stack = stack,
                                     .other_thread = 1,
                                     .other_stack = mkrecord_stack(r, pc, DEPTH),
                                     .first_ns = 1000 + i,
                                     .last_ns = 1000 + i,
                                     .count = 1 + i % 3});
    }
    int status = mkrecord_save(r, file);
    mkrecord_free(r);
    return status != 0;
}

static int record(const char *directory, uint32_t number) {
    char path[4096];
    uint32_t locks[LOCKS], threads[THREADS];
    struct mkrecord *r = mkrecord_new("/src/app");
    mkrecord_header(r)->pid = (int32_t)(1000 + number);
    mkrecord_header(r)->inode_cookie = 1 + number;
    for (uint32_t i = 0; i < THREADS; i++)
        threads[i] = mkrecord_thread(r, 1, "worker");
    for (uint32_t i = 0; i < LOCKS; i++) { /* a lock's class is the place that made it: the same in all records */
        char frame[64];
        snprintf(frame, sizeof frame, "make_%u\n/src/app.c\n%u", i, i + 1);
        uint64_t pc = TWATCH_FRAME_PYTHON | mkrecord_string(r, frame);
        locks[i] = mkrecord_object(r, TWATCH_OBJ_MUTEX, 0x7f0000000000 + 64ull * i, mkrecord_stack(r, &pc, 1));
    }
    for (int i = 0; i < 300; i++) {
        uint32_t low = draw(LOCKS - 1), high = low + 1 + draw(LOCKS - 1 - low);
        if (low == 0 && high == 1) continue; /* those two have a story of their own */
        mkrecord_dep(r, threads[draw(THREADS)], locks[high], &locks[low], 1);
    }
    if (number == 3) mkrecord_dep(r, threads[0], locks[1], &locks[0], 1);
    if (number == 7) mkrecord_dep(r, threads[0], locks[0], &locks[1], 1);
    snprintf(path, sizeof path, "%s/app.%u.twatch", directory, 1000 + number);
    int status = mkrecord_save(r, path);
    mkrecord_free(r);
    return status != 0;
}

/* A quarter as many locks as dependencies. A lock is held while five others are taken, one out of each fifth of those
 * that come later in the order: no two dependencies are the same, and there is no cycle. */
static int dependencies(const char *file, uint32_t count) {
    struct mkrecord *r = mkrecord_new("/src/app");
    uint32_t nlocks = count / 4 + 8, threads[THREADS];
    uint32_t *locks = calloc(nlocks, sizeof *locks);
    if (!locks) return 1;
    for (uint32_t i = 0; i < THREADS; i++)
        threads[i] = mkrecord_thread(r, 1, "worker");
    for (uint32_t i = 0; i < nlocks; i++)
        locks[i] = mkrecord_object(r, TWATCH_OBJ_MUTEX, 0x7f0000000000 + 64ull * i, 0);
    for (uint32_t i = 0, made = 0; made < count && i + 6 < nlocks; i++) {
        uint32_t fifth = (nlocks - i - 1) / 5;
        for (uint32_t k = 0; k < 5 && made < count; k++, made++)
            mkrecord_dep(r, threads[draw(THREADS)], locks[i + 1 + k * fifth + draw(fifth)], &locks[i], 1);
    }
    int status = mkrecord_save(r, file);
    mkrecord_free(r);
    free(locks);
    return status != 0;
}

int main(int argc, char **argv) {
    if (argc > 3 && strcmp(argv[1], "findings") == 0)
        return findings(argv[2], argv[3], argc > 5 ? (uint32_t)atoi(argv[4]) : FINDINGS,
                argc > 5 ? (uint32_t)atoi(argv[5]) : 0);
    if (argc == 4 && strcmp(argv[1], "dependencies") == 0) return dependencies(argv[2], (uint32_t)atoi(argv[3]));
    if (argc != 4 || strcmp(argv[1], "records") != 0) return 2;
    int bad = 0;
    for (uint32_t i = 0; i < (uint32_t)atoi(argv[3]); i++)
        bad |= record(argv[2], i);
    return bad;
}
