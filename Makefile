# twatch: libtwatch.so (the shim), libtwatch-race.so (the race engine), twatch (the analyzer).
BUILD   ?= build
PREFIX  ?= /usr/local
LIBDIR  ?= $(PREFIX)/lib/twatch
BINDIR  ?= $(PREFIX)/bin
MANDIR  ?= $(PREFIX)/share/man
CC      ?= cc
CFLAGS  ?= -O2 -g
VERSION := 0.1.0

WARN := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes
BASE := -std=gnu11 -D_GNU_SOURCE= $(WARN) $(CFLAGS) -DTWATCH_VERSION='"$(VERSION)"' -MMD -MP -iquote preload/format

# The shim keeps frame pointers off, has its own memcpy and friends (-fno-builtin would cost; see preload/sys.h), and exports by list.
# gcc would turn the shim's own copying loops back into calls of memcpy, which may be intercepted; clang has no such flag.
NOLOOPS := $(shell $(CC) -Werror -fno-tree-loop-distribute-patterns -x c -c /dev/null -o /dev/null 2>/dev/null && echo -fno-tree-loop-distribute-patterns)
SHIM_CFLAGS := $(BASE) -fPIC -fvisibility=hidden -ftls-model=initial-exec -fno-stack-protector $(NOLOOPS) -fexceptions -iquote preload
RACE_CFLAGS := $(BASE) -fPIC -fvisibility=hidden -ftls-model=initial-exec -fno-stack-protector -iquote preload/race
TOOL_CFLAGS := $(BASE) -iquote analyzer -iquote preload

SHIM_SRC := $(wildcard preload/*.c)
RACE_SRC := $(wildcard preload/race/*.c preload/race/x86/*.c)
TOOL_SRC := $(wildcard analyzer/*.c analyzer/*/*.c)
SHIM_OBJ := $(SHIM_SRC:%.c=$(BUILD)/%.o) $(patsubst %.S,$(BUILD)/%.o,$(wildcard preload/*.S))
RACE_OBJ := $(RACE_SRC:%.c=$(BUILD)/%.o) $(patsubst %.S,$(BUILD)/%.o,$(wildcard preload/race/*.S preload/race/x86/*.S))
TOOL_OBJ := $(TOOL_SRC:%.c=$(BUILD)/%.o)

TARGETS := $(BUILD)/libtwatch.so $(BUILD)/twatch $(if $(RACE_SRC),$(BUILD)/libtwatch-race.so) $(BUILD)/libtwatch-tsan.so
DATA    := $(BUILD)/libraries.supp

# The engine's own files run at any instruction of the program: no vector registers, no calls of libc's memory functions.
$(patsubst %.c,$(BUILD)/%.o,$(wildcard preload/race/*.c)): RACE_CFLAGS += -mgeneral-regs-only $(NOLOOPS)

all: $(TARGETS) $(DATA)

$(BUILD)/libraries.supp: analyzer/finding/libraries.supp
	@mkdir -p $(@D)
	cp $< $@

$(BUILD)/libtwatch.so: $(SHIM_OBJ) preload/exports.map
	$(CC) -shared -o $@ $(SHIM_OBJ) $(LDFLAGS) -Wl,-z,defs,-z,now,-z,relro,-z,nodelete -Wl,--version-script=preload/exports.map -ldl -lpthread

$(BUILD)/libtwatch-race.so: $(RACE_OBJ)
	$(CC) -shared -o $@ $(RACE_OBJ) $(LDFLAGS) -Wl,-z,defs,-z,now,-z,relro,-z,nodelete -lZydis

# Stands in for libtsan.so.2 under programs compiled with -fsanitize=thread, hence the name that it carries.
$(BUILD)/libtwatch-tsan.so: $(BUILD)/preload/race/tsan/entry.o
	$(CC) -shared -o $@ $< $(LDFLAGS) -Wl,-soname,libtsan.so.2 -Wl,-z,now,-z,relro,-z,nodelete

$(BUILD)/twatch: $(TOOL_OBJ)
	$(CC) -o $@ $(TOOL_OBJ) $(LDFLAGS) -ldw -lelf -lm

$(BUILD)/preload/race/%.o: preload/race/%.c
	@mkdir -p $(@D)
	$(CC) $(RACE_CFLAGS) -c -o $@ $<
$(BUILD)/preload/race/%.o: preload/race/%.S
	@mkdir -p $(@D)
	$(CC) -c -o $@ $<
$(BUILD)/preload/%.o: preload/%.c
	@mkdir -p $(@D)
	$(CC) $(SHIM_CFLAGS) -c -o $@ $<
$(BUILD)/preload/%.o: preload/%.S
	@mkdir -p $(@D)
	$(CC) -c -o $@ $<
$(BUILD)/analyzer/%.o: analyzer/%.c
	@mkdir -p $(@D)
	$(CC) $(TOOL_CFLAGS) -c -o $@ $<

install: all
	install -d $(DESTDIR)$(LIBDIR) $(DESTDIR)$(BINDIR)
	install -m 755 $(TARGETS) $(DESTDIR)$(LIBDIR)
	install -m 644 $(DATA) $(DESTDIR)$(LIBDIR)
	ln -sf $(LIBDIR)/twatch $(DESTDIR)$(BINDIR)/twatch
	install -d $(DESTDIR)$(MANDIR)/man1 $(DESTDIR)$(MANDIR)/man7 $(DESTDIR)$(PREFIX)/share/bash-completion/completions
	install -m 644 docs/man/twatch.1 $(DESTDIR)$(MANDIR)/man1
	install -m 644 docs/man/libtwatch.7 $(DESTDIR)$(MANDIR)/man7
	install -m 644 scripts/completion/twatch.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/twatch

clean:
	rm -rf $(BUILD)

-include $(SHIM_OBJ:.o=.d) $(RACE_OBJ:.o=.d) $(TOOL_OBJ:.o=.d)
-include testsuite/rules.mk

.PHONY: all install clean demo check check-long docs bench
.DEFAULT_GOAL := all
