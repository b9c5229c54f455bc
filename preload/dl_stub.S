/*
 * dlopen and dlsym look at who calls them (RTLD_NEXT, RUNPATH, $ORIGIN), so their wrappers leave the return address alone: they tell the shim
 * (wrap_dl.c, which answers with the real function) and jump.
 */
    .macro forward name, before
    .globl \name
    .type \name, @function
\name:
    .cfi_startproc
    endbr64
    push %rdi
    .cfi_adjust_cfa_offset 8
    push %rsi
    .cfi_adjust_cfa_offset 8
    sub $8, %rsp
    .cfi_adjust_cfa_offset 8
    call \before
    add $8, %rsp
    .cfi_adjust_cfa_offset -8
    pop %rsi
    .cfi_adjust_cfa_offset -8
    pop %rdi
    .cfi_adjust_cfa_offset -8
    jmp *%rax
    .cfi_endproc
    .size \name, . - \name
    .endm

    .text
    forward dlopen, tw_wrap_dl_open
    forward dlsym, tw_wrap_dl_sym
    .section .note.GNU-stack, "", @progbits
