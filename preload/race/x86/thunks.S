/*
 * Between the trampolines and the hooks. On entry, from low to high: the module's first site number, the return address
 * into the detour, the detour's site number (X86_SITE_PUSHED in bit 31), the program's rdi, 128 bytes of red zone, the program's stack. rdi is
 * the hook's first argument. On the way back the three words and rdi are taken off. The order of the pushes is struct x86_regs.
 */
        .text
        .hidden x86_hooks_in_use, x86_xsave_mask, x86_enter_string, x86_enter_compared, x86_enter_fence

        .macro  THUNK name, target, flags
        .globl  \name
        .hidden \name
        .type   \name, @function
        .balign 16
\name:
        endbr64
        BODY    \name, \target, \flags
        .endm

        .macro  BODY name, target, flags
        push    24(%rsp)
        push    %rax
        .if     \flags
        lahf
        seto    %al
        .endif
        push    %rcx
        push    %rdx
        push    %rsi
        push    %r8
        push    %r9
        push    %r10
        push    %r11
        push    %rbx
        push    %rbp
        push    %r12
        push    %r13
        push    %r14
        push    %r15
        mov     %rax, %rbx
        mov     136(%rsp), %esi
        mov     %esi, %eax
        shr     $31, %eax
        lea     280(%rsp,%rax,8), %rax
        and     $0xffffff, %esi
        add     120(%rsp), %esi
        push    %rax
        mov     %rsp, %rdx
        mov     %rsp, %rbp
        and     $-16, %rsp
        call    \target
        mov     %rbp, %rsp
        add     $8, %rsp
        .if     \flags
        mov     %rbx, %rax
        add     $0x7f, %al
        sahf
        .endif
        pop     %r15
        pop     %r14
        pop     %r13
        pop     %r12
        pop     %rbp
        pop     %rbx
        pop     %r11
        pop     %r10
        pop     %r9
        pop     %r8
        pop     %rsi
        pop     %rdx
        pop     %rcx
        pop     %rax
        pop     %rdi
        lea     8(%rsp), %rsp
        ret     $16
        .size   \name, . - \name
        .endm

/* The slow path asks the quick hook first: for it the registers that a call may change are saved, and no others. */
        .globl  x86_thunk_slow
        .hidden x86_thunk_slow
        .type   x86_thunk_slow, @function
        .balign 16
x86_thunk_slow:
        endbr64
        push    %rsi
        mov     24(%rsp), %esi
        bt      $29, %esi
        jc      1f
        push    %rax
        push    %rdx
        push    %rcx
        push    %r8
        push    %r9
        push    %r10
        push    %r11
        push    %rdi
        mov     x86_hooks_in_use+40(%rip), %rax
        test    %rax, %rax
        jz      2f
        mov     %esi, %edx
        mov     %esi, %ecx
        shr     $31, %edx
        shr     $24, %ecx
        and     $0x1f, %ecx
        and     $0xffffff, %esi
        lea     232(%rsp,%rdx,8), %rdx
        add     72(%rsp), %esi
        call    *(%rax,%rcx,8)
        test    %eax, %eax
        jz      2f
        pop     %rdi
        pop     %r11
        pop     %r10
        pop     %r9
        pop     %r8
        pop     %rcx
        pop     %rdx
        pop     %rax
        pop     %rsi
        mov     24(%rsp), %rdi
        lea     8(%rsp), %rsp
        ret     $16
2:      pop     %rdi
        pop     %r11
        pop     %r10
        pop     %r9
        pop     %r8
        pop     %rcx
        pop     %rdx
        pop     %rax
1:      pop     %rsi
        BODY    x86_thunk_slow, *x86_hooks_in_use(%rip), 0
        THUNK   x86_thunk_before, *x86_hooks_in_use+16(%rip), 1
        THUNK   x86_thunk_after, *x86_hooks_in_use+24(%rip), 1
        THUNK   x86_thunk_string, x86_enter_string, 1
        THUNK   x86_thunk_compared, x86_enter_compared, 1
        THUNK   x86_thunk_fence, x86_enter_fence, 1

/* void x86_call_with_vectors(void (*fn)(void *), void *arg): XSAVE area on the stack; FXSAVE where the system has no XSAVE. */
        .globl  x86_call_with_vectors
        .hidden x86_call_with_vectors
        .type   x86_call_with_vectors, @function
        .balign 16
x86_call_with_vectors:
        .cfi_startproc
        endbr64
        push    %rbp
        .cfi_def_cfa_offset 16
        .cfi_offset %rbp, -16
        mov     %rsp, %rbp
        .cfi_def_cfa_register %rbp
        push    %rbx
        push    %r12
        .cfi_offset %rbx, -24
        .cfi_offset %r12, -32
        mov     %rdi, %rbx
        mov     %rsi, %rdi
        sub     $3072, %rsp
        and     $-64, %rsp
        mov     x86_xsave_mask(%rip), %r12d
        test    %r12d, %r12d
        jz      1f
        xor     %eax, %eax
        mov     %rax, 512(%rsp)
        mov     %rax, 520(%rsp)
        mov     %rax, 528(%rsp)
        mov     %rax, 536(%rsp)
        mov     %rax, 544(%rsp)
        mov     %rax, 552(%rsp)
        mov     %rax, 560(%rsp)
        mov     %rax, 568(%rsp)
        xor     %edx, %edx
        mov     %r12d, %eax
        xsave64 (%rsp)
        call    *%rbx
        xor     %edx, %edx
        mov     %r12d, %eax
        xrstor64 (%rsp)
        jmp     2f
1:      fxsave64 (%rsp)
        call    *%rbx
        fxrstor64 (%rsp)
2:      lea     -16(%rbp), %rsp
        pop     %r12
        pop     %rbx
        pop     %rbp
        .cfi_def_cfa %rsp, 8
        ret
        .cfi_endproc
        .size   x86_call_with_vectors, . - x86_call_with_vectors

        .section .note.GNU-stack, "", @progbits
