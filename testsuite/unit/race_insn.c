/* The sampler's decoder against Zydis, over the code of the files given: what it accepts it must get right. */
#include "../../preload/race_insn.h"

#include <Zydis/Zydis.h>
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

static uint64_t seen, accepted, wrong;

static unsigned number_of(ZydisRegister r) {
    if (r == ZYDIS_REGISTER_NONE) return TW_INSN_NOREG;
    if (r == ZYDIS_REGISTER_RIP) return TW_INSN_RIP;
    return (unsigned)(r - ZYDIS_REGISTER_RAX);
}

static void complain(const char *what, const uint8_t *code, const ZydisDecodedInstruction *z) {
    if (wrong++ > 20) return;
    printf("%s: %s:", what, ZydisMnemonicGetString(z->mnemonic));
    for (int i = 0; i < z->length; i++)
        printf(" %02x", code[i]);
    printf("\n");
}

static void compare(const uint8_t *code, const ZydisDecodedInstruction *z, const ZydisDecodedOperand *ops,
        const struct tw_race_insn *mine) {
    if (mine->length != z->length) {
        complain("length", code, z);
        return;
    }
    const ZydisDecodedOperand *m = NULL;
    for (int i = 0; i < z->operand_count_visible; i++)
        if (ops[i].type == ZYDIS_OPERAND_TYPE_MEMORY && ops[i].mem.type == ZYDIS_MEMOP_TYPE_MEM) m = &ops[i];
    bool touches = m && z->mnemonic != ZYDIS_MNEMONIC_NOP &&
                   !(z->mnemonic >= ZYDIS_MNEMONIC_PREFETCH && z->mnemonic <= ZYDIS_MNEMONIC_PREFETCHWT1);
    if (mine->flags & TW_INSN_STRING) return;
    if (touches != (mine->flags != 0)) {
        complain("access", code, z);
        return;
    }
    if (!touches) return;
    if (number_of(m->mem.base) != mine->base || number_of(m->mem.index) != mine->index ||
            m->mem.disp.value != mine->disp || (m->mem.scale > 1 && 1u << mine->scale != m->mem.scale))
        complain("operand", code, z);
    bool reads = m->actions & ZYDIS_OPERAND_ACTION_MASK_READ, writes = m->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE;
    if (reads != !!(mine->flags & TW_INSN_READ) || writes != !!(mine->flags & TW_INSN_WRITE))
        complain("read or write", code, z);
    bool vector =
            z->encoding == ZYDIS_INSTRUCTION_ENCODING_VEX || m->size > 64 || z->meta.category == ZYDIS_CATEGORY_MMX;
    if (m->size && m->size / 8 != mine->size && !vector) complain("size", code, z);
    bool atomic = z->attributes & ZYDIS_ATTRIB_HAS_LOCK || z->mnemonic == ZYDIS_MNEMONIC_XCHG;
    if (atomic != !!(mine->flags & TW_INSN_ATOMIC)) complain("atomic", code, z);
}

static void sweep(const uint8_t *code, size_t size) {
    ZydisDecoder decoder;
    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    for (size_t at = 0; at + TW_INSN_MAX < size;) {
        ZydisDecodedInstruction z;
        ZydisDecodedOperand ops[ZYDIS_MAX_OPERAND_COUNT];
        struct tw_race_insn mine;
#ifdef ZYDIS_DFLAG_VISIBLE_OPERANDS_ONLY
        bool known = ZYAN_SUCCESS(
                ZydisDecoderDecodeFull(&decoder, code + at, TW_INSN_MAX, &z, ops, ZYDIS_MAX_OPERAND_COUNT, 0));
#else
        bool known = ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, code + at, TW_INSN_MAX, &z, ops));
#endif
        if (!known) {
            at++;
            continue;
        }
        seen++;
        if (tw_race_insn(code + at, TW_INSN_MAX, &mine)) {
            accepted++;
            compare(code + at, &z, ops, &mine);
        }
        at += z.length;
    }
}

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        int fd = open(argv[i], O_RDONLY);
        struct stat st;
        if (fd < 0 || fstat(fd, &st) != 0) continue;
        const uint8_t *file = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        const Elf64_Ehdr *eh = (const void *)file;
        const Elf64_Shdr *sh = (const void *)(file + eh->e_shoff);
        for (int k = 0; k < eh->e_shnum; k++)
            if (sh[k].sh_type == SHT_PROGBITS && sh[k].sh_flags & SHF_EXECINSTR)
                sweep(file + sh[k].sh_offset, sh[k].sh_size);
    }
    printf("%lu instructions, %.2f %% decoded, %lu wrong\n", (unsigned long)seen,
            seen ? 100.0 * (double)accepted / (double)seen : 0, (unsigned long)wrong);
    return wrong || !seen || accepted * 100 < seen * 95;
}
