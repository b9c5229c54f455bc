# The sqlite3 shell, and four threads on one shared connection.
. "$HERE/lib.sh"
need sqlite3
program=$(compiled sqlite4.c -lsqlite3) || exit
under "$program" $((2000 * SCALE))
under sqlite3 shop.db "CREATE TABLE items(id INTEGER PRIMARY KEY, name TEXT); WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c WHERE x<20000)
    INSERT INTO items SELECT x, 'item ' || x FROM c; CREATE INDEX i ON items(name); SELECT count(*), max(name) FROM items; PRAGMA integrity_check;"
