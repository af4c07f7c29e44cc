/* From reset to main on an STM32F405, and what host.h declares. */
#include "host.h"

#include <stdint.h>

extern uint32_t data_start[], data_end[], bss_start[], bss_end[], stack_top[];
extern const uint32_t data_load[];
int main(void);

enum { OPEN = 0x01, WRITE = 0x05, READ = 0x06, EXIT_EXTENDED = 0x20 };

static int32_t input, output;

static int32_t call(int operation, const void *arguments) {
    register int32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = arguments;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

void host_open(void) {
    const struct {
        const char *name;
        uint32_t mode, length;
    } in = {":tt", 1, 3}, out = {":tt", 5, 3};
    input = call(OPEN, &in);
    output = call(OPEN, &out);
}

bool host_read(void *bytes, size_t count) {
    char *place = bytes;
    while (count > 0) {
        const struct {
            int32_t file;
            void *place;
            uint32_t count;
        } arguments = {input, place, count};
        const size_t missing = (size_t)call(READ, &arguments);
        if (missing >= count) {
            return false;
        }
        place += count - missing;
        count = missing;
    }
    return true;
}

void host_write(const void *bytes, size_t count) {
    const struct {
        int32_t file;
        const void *bytes;
        uint32_t count;
    } arguments = {output, bytes, count};
    if (call(WRITE, &arguments) != 0) {
        host_exit(1);
    }
}

_Noreturn void host_exit(int status) {
    const struct {
        uint32_t reason, status;
    } arguments = {0x20026, (uint32_t)status};
    for (;;) {
        call(EXIT_EXTENDED, &arguments);
    }
}

void reset(void) {
    *(volatile uint32_t *)0xe000ed88 |= 0xf << 20; /* CPACR: the FPU is on */
    __asm__ volatile("dsb\n isb");
    const uint32_t *from = data_load;
    for (uint32_t *to = data_start; to < data_end; to++) {
        *to = *from++;
    }
    for (uint32_t *to = bss_start; to < bss_end; to++) {
        *to = 0;
    }
    host_exit(main());
}

static void fault(void) { host_exit(2); }

__attribute__((section(".vectors"), used)) static void *const vectors[16] = {
    stack_top, (void *)reset, (void *)fault, (void *)fault, (void *)fault, (void *)fault, (void *)fault,
};
