/* Options, from TWATCH_OPTIONS, by the table options.def. Read once in the constructor, without allocation; a bad key or value is said on stderr by name and the default holds. */
#ifndef TW_CONFIG_H
#define TW_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tw_option {
#define OPTION(key, type, fallback, help) TW_OPTION_##key,
#include "options.def"
#undef OPTION
    TW_OPTION_COUNT
};
void tw_config_init(char **envp);
/* BOOL: 0 or 1; INT: the number; SECONDS: nanoseconds; SIZE: bytes; ENUM: index of the word. */
int64_t tw_config_number(enum tw_option key);
const char *tw_config_text(enum tw_option key);
const char *tw_config_by_name(const char *key); /* NULL: no such key */
#define TW_CONFIG(key) tw_config_number(TW_OPTION_##key)

#endif
