/* SysTick counts at the core's clock: under QEMU's `-icount` a number of ticks for each instruction. */
#ifndef SYSTICK_H
#define SYSTICK_H

#include <stdint.h>

#define SYSTICK ((volatile uint32_t *)0xe000e010)
#define SYSTICK_MASK 0xffffffu

static inline void systick_start(void) {
    SYSTICK[1] = SYSTICK_MASK;
    SYSTICK[2] = 0;
    SYSTICK[0] = 5; /* the core's clock, enabled */
}

static inline uint32_t systick_now(void) { return SYSTICK[2]; }

static inline uint32_t systick_since(uint32_t before) { return (before - systick_now()) & SYSTICK_MASK; }

#endif
