/* Lines of source files, for excerpts and for the names of what a line creates. */
#ifndef TWATCH_SOURCE_H
#define TWATCH_SOURCE_H

#include <stdint.h>

struct source;

struct source *source_new(void);
void source_free(struct source *source);

/* Line `line` (from 1) of the file at `path`, without its end; NULL when there is none. Files over 16 MiB are not read.
 */
const char *source_line(struct source *source, const char *path, uint32_t line);

#endif
