/* The small job that everybody writes who balances something, from C with the library's blocks and as
 * Rust does it, on the same bytes: both must answer alike, and the instructions of both are counted.
 *
 * Fourteen bytes of an MPU-6050 in; angle of the accelerometer, complementary filter of 0.98 to 0.02 at
 * 1 kHz, clamped PID; direction and a duty of 16 bits out. */
#include "balance.h"
#include "host.h"
#include "systick.h"

#include <stdio.h>
#include <string.h>

/* What the library exports with the feature `small_job`. */
void *rust_job(void);
bool rust_job_step(void *job, const uint8_t (*bytes)[14], uint32_t *duty);
uint32_t rust_job_input(uint32_t index, uint8_t (*bytes)[14]);

#define RAD_PER_COUNT (1.0f / 131.0f / 57.29577951f)

typedef struct {
    balance_complementary filter;
    balance_lean_pid pid;
} c_job;

static bool c_job_init(c_job *job) {
    balance_lean_pid_config gains = balance_lean_pid_config_default();
    gains.kp = 15.0f * 57.29577951f * 0.1f; /* degrees to radians, percent to tens of percent */
    gains.ki = 80.0f * 57.29577951f * 0.1f;
    gains.kd = 0.6f * 57.29577951f * 0.1f;
    gains.output_min = -10.0f;
    gains.output_max = 10.0f;
    return balance_complementary_init(&job->filter, 0.049f, 0.001f) == BALANCE_OK
        && balance_lean_pid_init(&job->pid, &gains, 0.001f) == BALANCE_OK;
}

static int16_t word(const uint8_t *bytes) { return (int16_t)(bytes[0] << 8 | bytes[1]); }

static bool c_job_step(void *place, const uint8_t (*bytes)[14], uint32_t *duty) {
    c_job *job = place;
    const uint8_t *from = *bytes;
    const int16_t accel[3] = {word(from), word(from + 2), word(from + 4)};
    const float rate = word(from + 8) * RAD_PER_COUNT;
    const balance_tilt tilt = balance_complementary_step(&job->filter, rate, balance_accel_roll(&accel));
    const float output = balance_lean_pid_step(&job->pid, 0.0f, tilt.angle) * 6553.5f;
    *duty = (uint32_t)(__builtin_fabsf(output) + 0.5f);
    return output < 0.0f;
}

static bool nothing(void *job, const uint8_t (*bytes)[14], uint32_t *duty) {
    (void)job, (void)bytes, (void)duty;
    return false;
}

typedef bool step(void *job, const uint8_t (*bytes)[14], uint32_t *duty);

__attribute__((noinline)) static uint32_t count(step *call, void *job, const uint8_t (*bytes)[14], uint32_t *duty,
                                                bool *reverse) {
    const uint32_t before = systick_now();
    *reverse = call(job, bytes, duty);
    return systick_since(before);
}

/* QEMU's instructions are of 256 ns here, SysTick's ticks of 1/168 µs. */
static uint32_t instructions(uint32_t ticks) { return (uint32_t)(((uint64_t)ticks * 125 + 2688) / 5376); }

static void sort(uint32_t *values, uint32_t size) {
    for (uint32_t i = 1; i < size; i++) {
        for (uint32_t k = i; k > 0 && values[k] < values[k - 1]; k--) {
            const uint32_t larger = values[k - 1];
            values[k - 1] = values[k];
            values[k] = larger;
        }
    }
}

static void say(const char *text) { host_write(text, strlen(text)); }

int main(void) {
    static c_job from_c;
    static uint32_t costs[2][1000];
    void *const from_rust = rust_job();
    uint8_t bytes[14];
    const uint32_t samples = rust_job_input(0, &bytes);
    host_open();
    systick_start();
    if (from_rust == NULL || samples > 1000 || !c_job_init(&from_c)) {
        return 1;
    }
    uint32_t different = 0;
    for (uint32_t n = 0; n < samples; n++) {
        rust_job_input(n, &bytes);
        uint32_t duty[3];
        bool reverse[3];
        const uint32_t none = count(nothing, NULL, &bytes, &duty[2], &reverse[2]);
        costs[0][n] = instructions(count(c_job_step, &from_c, &bytes, &duty[0], &reverse[0]) - none);
        costs[1][n] = instructions(count(rust_job_step, from_rust, &bytes, &duty[1], &reverse[1]) - none);
        different += duty[0] != duty[1] || (duty[0] != 0 && reverse[0] != reverse[1]);
    }
    char line[200];
    for (int who = 0; who < 2; who++) {
        sort(costs[who], samples);
    }
    snprintf(line, sizeof line,
             "the small job: from C %lu instructions, at most %lu; in Rust %lu, at most %lu; "
             "%lu of %lu answers differ\n",
             (unsigned long)costs[0][samples / 2], (unsigned long)costs[0][samples - 1],
             (unsigned long)costs[1][samples / 2], (unsigned long)costs[1][samples - 1], (unsigned long)different,
             (unsigned long)samples);
    say(line);
    return different != 0;
}
