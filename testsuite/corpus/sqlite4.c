/* Four threads on one shared connection of libsqlite3 in serialised mode: the densest use of locks among common libraries. */
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

static sqlite3 *db;
static int rows = 3000;

static void must(int result) {
    if (result == SQLITE_OK || result == SQLITE_DONE || result == SQLITE_ROW) return;
    fprintf(stderr, "%s\n", sqlite3_errmsg(db));
    exit(1);
}

static void *insert(void *arg) {
    int thread = (int)(long)arg;
    sqlite3_stmt *s, *q;
    must(sqlite3_prepare_v2(db, "INSERT INTO t(thread, n, text) VALUES(?, ?, 'some text')", -1, &s, NULL));
    must(sqlite3_prepare_v2(db, "SELECT count(*) FROM t WHERE thread = ? AND n < ?", -1, &q, NULL));
    for (int i = 0; i < rows; i++) {
        sqlite3_bind_int(s, 1, thread);
        sqlite3_bind_int(s, 2, i);
        must(sqlite3_step(s));
        sqlite3_reset(s);
        if (i % 300 == 0) {
            sqlite3_bind_int(q, 1, thread);
            sqlite3_bind_int(q, 2, i);
            must(sqlite3_step(q));
            sqlite3_reset(q);
        }
    }
    sqlite3_finalize(s);
    sqlite3_finalize(q);
    return NULL;
}

int main(int argc, char **argv) {
    pthread_t t[4];
    sqlite3_stmt *s;
    if (argc > 1) rows = atoi(argv[1]);
    must(sqlite3_open_v2(":memory:", &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX, NULL));
    must(sqlite3_exec(db, "CREATE TABLE t(thread INT, n INT, text TEXT)", NULL, NULL, NULL));
    for (long i = 0; i < 4; i++) pthread_create(&t[i], NULL, insert, (void *)i);
    for (int i = 0; i < 4; i++) pthread_join(t[i], NULL);
    must(sqlite3_prepare_v2(db, "SELECT count(*), sum(n), count(DISTINCT thread) FROM t", -1, &s, NULL));
    must(sqlite3_step(s));
    printf("%d rows, sum %lld, %d threads\n", sqlite3_column_int(s, 0), (long long)sqlite3_column_int64(s, 1), sqlite3_column_int(s, 2));
    sqlite3_finalize(s);
    return sqlite3_close(db);
}
