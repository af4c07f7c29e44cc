/* How the processor starts on the emulated board. */
#include <stdint.h>

extern char __stack;
void _start(void);

void reset(void) {
#if defined(__ARM_FP)
    *(volatile uint32_t *)0xe000ed88 |= 0xf << 20; /* CPACR: the FPU is on */
    __asm__ volatile("dsb\n isb");
#endif
    _start();
}

static void hang(void) {
    for (;;) {
    }
}

__attribute__((section(".vectors"), used)) static void *const vectors[16] = {
    &__stack, (void *)reset, (void *)hang, (void *)hang, (void *)hang, (void *)hang, (void *)hang,
};
