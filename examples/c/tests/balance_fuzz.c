/* Anything at all into every function, under AddressSanitizer: handles of garbage, null and misaligned
 * pointers, every bit pattern of a float. Takes the number of rounds; the same every time. */
#include "balance.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t seed = 88172645463325252u;

static uint32_t chance(void) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 16);
}

/* Half of them sensible. */
static float number(void) {
    static const float edges[] = {0.0f, -0.0f, NAN, INFINITY, -INFINITY, 1e38f, -1e38f, 1e-45f, 1.0f, 0.001f};
    float value;
    uint32_t bits;
    switch (chance() % 4) {
    case 0:
        return edges[chance() % (sizeof edges / sizeof *edges)];
    case 1:
        bits = chance();
        memcpy(&value, &bits, sizeof value);
        return value;
    default:
        return (float)(int32_t)chance() / 1e8f;
    }
}

static float period(void) { return chance() % 2 ? 0.001f : number(); }

#define BAD(x)                                                                                                 \
    do {                                                                                                       \
        if (!isfinite(x)) {                                                                                    \
            printf("%s is not finite\n", #x);                                                                  \
            return 1;                                                                                          \
        }                                                                                                      \
    } while (0)

/* A handle, of which one in eight is null, and one in eight misaligned. */
static void *place(void *memory) {
    switch (chance() % 8) {
    case 0:
        return NULL;
    case 1:
        return (char *)memory + 1 + chance() % 7;
    default:
        return memory;
    }
}

int main(int count, char **words) {
    /* On the heap, with a margin of one word for what is misaligned and no more. */
    const size_t size = sizeof(balance_robot_config) + 8;
    uint64_t *memory[14];
    for (int k = 0; k < 14; k++) {
        memory[k] = malloc(size);
        for (size_t n = 0; n < size; n++) ((unsigned char *)memory[k])[n] = (unsigned char)chance();
    }
    const long rounds = count > 1 ? atol(words[1]) : 100000;
    for (long n = 0; n < rounds; n++) {
        float a[4] = {number(), number(), number(), number()}, b[4] = {number(), number(), number(), number()};
        const float(*v)[3] = chance() % 8 ? (const float(*)[3])a : NULL, (*w)[3] = chance() % 8 ? (const float(*)[3])b : NULL;
        balance_pid_config pid = {number(), number(), number(), number(), number(), number(), number(), number(), number()};
        balance_biquad_config biquad = {(int)(chance() % 10), number(), number(), number()};
        balance_tilt_kalman_config kalman = {number(), number(), number(), number()};
        balance_mahony_config mahony = {number(), number()};
        balance_duty_map_config duty = {number(), number(), number(), number(), number(), number()};
        switch (chance() % 64) {
        case 0: balance_pid_init(place(memory[0]), chance() % 8 ? &pid : NULL, period()); break;
        case 1: balance_pid_retune(place(memory[0]), &pid); break;
        case 2: balance_state_feedback_init(place(memory[1]), &a, number(), number(), period()); break;
        case 3: balance_low_pass_init(place(memory[2]), number(), period()); break;
        case 4: balance_biquad_init(place(memory[3]), &biquad, period()); break;
        case 5: balance_complementary_init(place(memory[4]), number(), period()); break;
        case 6: balance_tilt_kalman_init(place(memory[5]), &kalman, period()); break;
        case 7: balance_wheel_speed_init(place(memory[6]), number(), number(), period()); break;
        case 8: balance_mahony_init(place(memory[7]), &mahony, period()); break;
        case 9: balance_madgwick_init(place(memory[8]), number(), period()); break;
        case 10: balance_basic_vqf_init(place(memory[9]), number(), number(), period()); break;
        case 11: balance_vqf_init(place(memory[10]), period()); break;
        case 12: balance_duty_map_init(place(memory[11]), &duty); break;
        case 13: balance_robot_config_init(place(memory[12]), (int)(chance() % 4)); break;
        case 14: {
            static const char *names[] = {"balance.pitch", "turn.kp", "chassis.track", "nonsense", ""};
            float value = 0.0f;
            balance_robot_config_set(place(memory[12]), names[chance() % 5], number());
            balance_robot_config_get(place(memory[12]), names[chance() % 5], &value);
            BAD(value);
            break;
        }
        case 15: balance_robot_f32_init(place(memory[13]), (void *)memory[12]); break;
        case 16: /* One kind of handle for another. */
            BAD(balance_low_pass_step((void *)memory[chance() % 14], number()));
            break;
        default: {
            float u = balance_pid_step(place(memory[0]), number(), number());
            BAD(u);
            balance_pid_output parts = balance_pid_step_full(place(memory[0]), number(), number(), number(), number());
            BAD(parts.total);
            BAD(balance_state_feedback_step(place(memory[1]), &b));
            BAD(balance_low_pass_step(place(memory[2]), number()));
            BAD(balance_biquad_step(place(memory[3]), number()));
            BAD(balance_complementary_step(place(memory[4]), number(), number()).angle);
            BAD(balance_tilt_kalman_step(place(memory[5]), number(), number()).angle);
            BAD(balance_wheel_speed_step(place(memory[6]), (int32_t)chance()));
            BAD(balance_mahony_step(place(memory[7]), v, w, v).w);
            BAD(balance_madgwick_step(place(memory[8]), v, w, v).w);
            BAD(balance_basic_vqf_step(place(memory[9]), v, w, v).w);
            BAD(balance_vqf_step(place(memory[10]), v, w, v).w);
            BAD(balance_duty_map_step(place(memory[11]), number(), number()));
            balance_robot_inputs in;
            unsigned char *bytes = (unsigned char *)&in;
            for (size_t k = 0; k < sizeof in; k++) bytes[k] = (unsigned char)chance();
            in.imu_ok = chance() % 2;
            in.encoders_ok = chance() % 2;
            in.arm = chance() % 2;
            in.speed = number();
            in.turn = number();
            balance_robot_outputs out = balance_robot_f32_tick(place(memory[13]), &in);
            BAD(out.left);
            BAD(out.pitch);
        }
        }
    }
    for (int k = 0; k < 14; k++) free(memory[k]);
    printf("%ld rounds of anything: nothing but numbers came out\n", rounds);
    return 0;
}
