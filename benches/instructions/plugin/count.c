/* QEMU TCG plugin: how many guest instructions run between two addresses, exactly.
 *
 * An instruction costs one inlined addition. Arguments: start=ADDRESS,stop=ADDRESS,out=FILE. Each
 * time `stop` is reached, a line is written: instructions since `start` was last reached.
 *
 * The few declarations are those of QEMU's plugin interface, version 4 (QEMU 9.2 and later), so
 * that no header of QEMU is needed. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

typedef uint64_t plugin_id;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_plugin_scoreboard;
typedef struct {
    struct qemu_plugin_scoreboard *score;
    size_t offset;
} counter;
enum { ADD_U64 = 0 };
enum { NO_REGISTERS = 0 };

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id, void (*)(plugin_id, struct qemu_plugin_tb *));
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *, void (*)(unsigned, void *), int, void *);
void qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(struct qemu_plugin_insn *, int, counter, uint64_t);
struct qemu_plugin_scoreboard *qemu_plugin_scoreboard_new(size_t);
uint64_t qemu_plugin_u64_get(counter, unsigned);
void qemu_plugin_register_atexit_cb(plugin_id, void (*)(plugin_id, void *), void *);

EXPORT int qemu_plugin_version = 4;

static uint64_t start, stop, at_start;
static counter executed;
static FILE *out;

static void at_mark(unsigned cpu, void *is_stop) {
    uint64_t now = qemu_plugin_u64_get(executed, cpu);
    if (is_stop)
        fprintf(out, "%" PRIu64 "\n", now - at_start);
    else
        at_start = now;
}

static void translate(plugin_id id, struct qemu_plugin_tb *block) {
    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(block); i++) {
        struct qemu_plugin_insn *instruction = qemu_plugin_tb_get_insn(block, i);
        uint64_t address = qemu_plugin_insn_vaddr(instruction);
        if (address == start || address == stop)
            qemu_plugin_register_vcpu_insn_exec_cb(instruction, at_mark, NO_REGISTERS,
                                                   address == stop ? &stop : NULL);
        qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(instruction, ADD_U64, executed, 1);
    }
}

static void finish(plugin_id id, void *unused) {
    (void)id;
    (void)unused;
    fclose(out);
}

EXPORT int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv) {
    (void)info;
    for (int i = 0; i < argc; i++) {
        if (!strncmp(argv[i], "start=", 6))
            start = strtoull(argv[i] + 6, NULL, 0);
        else if (!strncmp(argv[i], "stop=", 5))
            stop = strtoull(argv[i] + 5, NULL, 0);
        else if (!strncmp(argv[i], "out=", 4))
            out = fopen(argv[i] + 4, "w");
    }
    if (!out || !start || !stop)
        return -1;
    executed.score = qemu_plugin_scoreboard_new(sizeof(uint64_t));
    qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
    qemu_plugin_register_atexit_cb(id, finish, NULL);
    return 0;
}
