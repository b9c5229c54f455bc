/*
 * Instructions that are remembered are what they are when decoded anew: all code of the objects named, and whatever
 * comes out when it is read from the wrong byte. usage: race_x86_decode FILE...
 */
#include "../../preload/race/x86/decode.c"
#include <stdio.h>

static unsigned long decoded, remembered, wrong;

static void show(const char *path, uint32_t off, const uint8_t *p, unsigned n) {
    if (wrong++ >= 20) return;
    printf("%s+%#x:", path, off);
    for (unsigned i = 0; i < n; i++)
        printf(" %02x", p[i]);
    puts("");
}

static void compare(const char *path, struct x86_decoder *d, uint32_t off, uint32_t step) {
    const uint8_t *text = d->image->text;
    for (uint32_t end = d->image->text_size; off < end;) {
        struct x86_insn found, anew;
        int failed = decode_whole(d, text + off, end - off, &anew);
        if (failed == 0) place(d, text + off, off, &anew, 0);
        if ((x86_decode(d, off, end, &found) != 0) != (failed != 0) ||
                (!failed && memcmp(&found, &anew, sizeof found) != 0))
            show(path, off, text + off, failed ? 15 : anew.len);
        decoded++;
        remembered += memo_key(text + off, text + end) != 0;
        off += step ? step : failed ? 1 : anew.len;
    }
}

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        struct x86_image image = {0};
        const char *why = "";
        if (x86_image_open(&image, argv[i], &why) != 0) {
            printf("%s: %s\n", argv[i], why);
            return 1;
        }
        struct x86_decoder *d = x86_decoder_new(&image);
        if (!d) return 1;
        compare(argv[i], d, 0, 0);
        compare(argv[i], d, 0, 7);
        x86_decoder_free(d);
        x86_image_close(&image);
    }
    printf("%lu instructions, %lu remembered, %lu wrong\n", decoded, remembered, wrong);
    return wrong != 0 || remembered < decoded / 2;
}
