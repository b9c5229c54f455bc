/* The table of struct x86_hooks that most failed checks go through. */
#ifndef TWATCH_RACE_QUICK_H
#define TWATCH_RACE_QUICK_H

#include "x86/x86.h"

extern x86_quick_hook *const rt_quick[X86_QUICK_KINDS];

#endif
