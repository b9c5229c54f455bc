/* What the stubs in dl_stub.S call: each answers with the real function. */
#ifndef TW_WRAP_DL_H
#define TW_WRAP_DL_H

void *tw_wrap_dl_open(void);
void *tw_wrap_dl_sym(void);

#endif
