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
    enum { HANDLES = 21 };
    uint64_t *memory[HANDLES];
    for (int k = 0; k < HANDLES; k++) {
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
        balance_lean_pid_config lean = {number(), number(), number(), number(), number(), number()};
        balance_current_loop_config current = {{(uint16_t)chance(), number(), number(), number(), number()},
            number(), number(), number(), number(), number()};
        balance_model model;
        for (size_t k = 0; k < sizeof model / sizeof(float); k++) ((float *)&model)[k] = number();
        balance_mpc_config mpc = {model, number(), number(), {number(), number(), number(), number()},
            {number(), number(), number(), number()}, chance() % 64, number()};
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
            BAD(balance_low_pass_step((void *)memory[chance() % HANDLES], number()));
            break;
        case 17: balance_lean_pid_init(place(memory[14]), &lean, period()); break;
        case 18: balance_current_loop_init(place(memory[15]), &current, period()); break;
        case 19: balance_speed_loop_init(place(memory[16]), number(), number(), number(), number(), period()); break;
        case 20: balance_stepper_init(place(memory[17]), number() * 1e5f, number() * 1e4f, number() * 1e4f); break;
        case 21: balance_trapezoid_init(place(memory[18]), number(), number(), period()); break;
        case 22: balance_s_curve_init(place(memory[19]), number(), number(), number(), period()); break;
        case 23: { /* Dear: not often. */
            float gain[4] = {0};
            if (chance() % 16 == 0) {
                balance_mpc_init(place(memory[20]), &mpc, period());
            } else if (balance_lqr_design(&model, period(), &gain) == BALANCE_OK) {
                for (int k = 0; k < 4; k++) BAD(gain[k]);
            }
            break;
        }
        default: {
            int16_t counts[3] = {(int16_t)chance(), (int16_t)chance(), (int16_t)chance()};
            float angle = balance_accel_pitch(&counts);
            if (!isnan(angle)) BAD(angle);
            BAD(balance_lean_pid_step(place(memory[14]), number(), number()));
            balance_current_loop_input phases = {{number(), number()}, number(), number(), number(), number(), number()};
            balance_current_loop_output duties = balance_current_loop_step(place(memory[15]), chance() % 8 ? &phases : NULL);
            for (int k = 0; k < 3; k++) BAD(duties.duties[k]);
            BAD(balance_speed_loop_step(place(memory[16]), number(), number()));
            balance_stepper_run_at(place(memory[17]), number() * 1e4f);
            balance_stepper_go_to(place(memory[17]), (int32_t)chance());
            balance_stepper_tick(place(memory[17]));
            BAD(balance_trapezoid_step(place(memory[18]), number(), number()).position);
            BAD(balance_s_curve_step(place(memory[19]), number(), number()).position);
            if (chance() % 64 == 0) BAD(balance_mpc_step(place(memory[20]), &b).input);
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
    for (int k = 0; k < HANDLES; k++) free(memory[k]);
    printf("%ld rounds of anything: nothing but numbers came out\n", rounds);
    return 0;
}
