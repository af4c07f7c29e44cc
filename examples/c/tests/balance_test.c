/* The library from C: what it does, and what it refuses. */
#include "balance.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static int failures;
#define CHECK(what)                                                        \
    do {                                                                   \
        if (!(what)) {                                                     \
            printf("line %d: %s\n", __LINE__, #what);                      \
            failures++;                                                    \
        }                                                                  \
    } while (0)

static void controllers(void) {
    balance_pid_config config = balance_pid_config_default();
    config.kp = 8.0f;
    config.ki = 2.0f;
    config.output_min = -12.0f;
    config.output_max = 12.0f;
    balance_pid pid;
    memset(&pid, 0xa5, sizeof pid);
    CHECK(balance_pid_step(&pid, 1.0f, 0.0f) == 0.0f);
    CHECK(balance_pid_reset(&pid) == BALANCE_NOT_INITIALISED);
    CHECK(balance_pid_init(&pid, &config, 0.001f) == BALANCE_OK);
    float first = balance_pid_step(&pid, 0.1f, 0.05f);
    CHECK(fabsf(first - 0.4001f) < 1e-5f);
    CHECK(balance_pid_step(&pid, NAN, 0.0f) == first);
    CHECK(balance_pid_step(&pid, 0.1f, INFINITY) == first);
    balance_pid copy = pid;
    CHECK(balance_pid_step(&pid, 0.2f, 0.0f) == balance_pid_step(&copy, 0.2f, 0.0f));
    for (int n = 0; n < 10000; n++) {
        float u = balance_pid_step(&pid, 100.0f, 0.0f);
        CHECK(u <= 12.0f);
    }
    balance_pid_output parts = balance_pid_step_full(&pid, 100.0f, 0.0f, 0.0f, 0.0f);
    CHECK(parts.saturated && parts.total == 12.0f);
    CHECK(balance_pid_step(&pid, -1.0f, 0.0f) < 0.0f); /* no windup */

    CHECK(balance_pid_init(NULL, &config, 0.001f) == BALANCE_NULL);
    CHECK(balance_pid_init(&pid, NULL, 0.001f) == BALANCE_NULL);
    CHECK(balance_pid_init((balance_pid *)((char *)&pid + 1), &config, 0.001f) == BALANCE_MISALIGNED);
    CHECK(balance_pid_step((balance_pid *)((char *)&pid + 4), 1.0f, 0.0f) == 0.0f);
    CHECK(balance_pid_init(&pid, &config, 0.0f) == BALANCE_OUT_OF_RANGE);
    config.kp = NAN;
    CHECK(balance_pid_retune(&pid, &config) == BALANCE_NOT_FINITE);
    config.kp = 8.0f;
    config.output_min = 13.0f;
    CHECK(balance_pid_retune(&pid, &config) == BALANCE_ORDER);
    CHECK(balance_pid_step(&pid, 0.1f, 0.1f) == balance_pid_step(&pid, 0.1f, 0.1f));

    balance_lean_pid_config lean_config = balance_lean_pid_config_default();
    lean_config.kp = 15.0f;
    lean_config.ki = 80.0f;
    lean_config.kd = 0.6f;
    lean_config.output_min = -12.0f;
    lean_config.output_max = 12.0f;
    balance_lean_pid lean;
    CHECK(balance_lean_pid_init(&lean, &lean_config, 0.01f) == BALANCE_OK);
    first = balance_lean_pid_step(&lean, 0.1f, 0.0f);
    CHECK(fabsf(first - 1.58f) < 1e-5f);
    CHECK(balance_lean_pid_step(&lean, NAN, 0.0f) == first);
    for (int n = 0; n < 1000; n++) CHECK(balance_lean_pid_step(&lean, 9.0f, 0.0f) <= 12.0f);
    CHECK(balance_lean_pid_step(&lean, -1.0f, 0.0f) < 0.0f);
    CHECK(balance_lean_pid_reset(&lean) == BALANCE_OK && balance_lean_pid_step(&lean, 0.1f, 0.0f) == first);
    lean_config.derivative_cutoff_hz = NAN;
    CHECK(balance_lean_pid_init(&lean, &lean_config, 0.01f) == BALANCE_NOT_FINITE);

    const float gain[4] = {1.0f, 2.0f, 3.0f, 4.0f}, state[4] = {1.0f, 1.0f, -1.0f, 0.5f};
    balance_state_feedback feedback;
    CHECK(balance_state_feedback_init(&feedback, &gain, -9.0f, 9.0f, 0.001f) == BALANCE_OK);
    CHECK(balance_state_feedback_step(&feedback, &state) == -2.0f);
    CHECK(balance_state_feedback_step(&feedback, NULL) == 0.0f);
}

static void filters(void) {
    balance_low_pass low;
    CHECK(balance_low_pass_init(&low, 10.0f, 0.001f) == BALANCE_OK);
    CHECK(balance_low_pass_step(&low, 3.0f) == 3.0f);
    CHECK(fabsf(balance_low_pass_step(&low, 4.0f) - 3.0609f) < 1e-4f);
    balance_biquad_config config = balance_biquad_config_default();
    config.kind = BALANCE_BIQUAD_NOTCH;
    config.frequency_hz = 85.0f;
    balance_biquad notch;
    CHECK(balance_biquad_init(&notch, &config, 0.001f) == BALANCE_OK);
    float loudest = 0.0f;
    for (int n = 0; n < 500; n++) {
        float y = balance_biquad_step(&notch, sinf(6.2831853f * 85.0f * 0.001f * n));
        if (n > 200 && fabsf(y) > loudest) loudest = fabsf(y);
    }
    CHECK(loudest < 1e-2f);
    config.kind = 99;
    CHECK(balance_biquad_init(&notch, &config, 0.001f) == BALANCE_UNKNOWN);
    /* One kind of handle is not another. */
    CHECK(balance_low_pass_step((balance_low_pass *)&notch, 1.0f) == 0.0f);
}

static void estimators(void) {
    const int16_t leaning[3] = {-1678, 0, 16298}, left_up[3] = {0, 16384, 0}, falling[3] = {3, -5, 7};
    CHECK(fabsf(balance_accel_pitch(&leaning) - 0.1026f) < 1e-4f);
    CHECK(fabsf(balance_accel_roll(&left_up) - 1.5708f) < 1e-4f);
    CHECK(isnan(balance_accel_pitch(&falling)) && isnan(balance_accel_roll(NULL)));
    balance_tilt_kalman_config config = balance_tilt_kalman_config_default();
    balance_tilt_kalman kalman;
    balance_complementary complementary;
    CHECK(balance_tilt_kalman_init(&kalman, &config, 0.001f) == BALANCE_OK);
    CHECK(balance_complementary_init(&complementary, 0.5f, 0.001f) == BALANCE_OK);
    balance_tilt tilt = {0}, other = {0};
    for (int n = 0; n < 20000; n++) {
        float angle = n % 7 == 0 ? NAN : 0.2f; /* the accelerometer is missing now and then */
        tilt = balance_tilt_kalman_step(&kalman, 0.03f, angle);
        other = balance_complementary_step(&complementary, 0.0f, angle);
    }
    CHECK(fabsf(tilt.angle - 0.2f) < 5e-3f && fabsf(tilt.bias - 0.03f) < 5e-3f);
    CHECK(fabsf(other.angle - 0.2f) < 1e-3f);

    const float still[3] = {0.0f, 0.0f, 0.0f}, tilted[3] = {0.0f, 4.903f, 8.493f};
    const float broken[3] = {NAN, 0.0f, 0.0f};
    balance_mahony mahony;
    balance_mahony_config gains = balance_mahony_config_default();
    balance_madgwick madgwick;
    balance_basic_vqf basic;
    balance_vqf vqf;
    CHECK(balance_mahony_init(&mahony, &gains, 0.01f) == BALANCE_OK);
    CHECK(balance_madgwick_init(&madgwick, 0.1f, 0.01f) == BALANCE_OK);
    CHECK(balance_basic_vqf_init(&basic, 3.0f, 9.0f, 0.01f) == BALANCE_OK);
    CHECK(balance_vqf_init(&vqf, 0.01f) == BALANCE_OK);
    for (int n = 0; n < 500; n++) {
        const float(*gyro)[3] = n == 50 ? &broken : &still;
        const float(*accel)[3] = n == 60 ? NULL : n == 70 ? &broken : &tilted;
        balance_attitude all[4] = {
            balance_mahony_step(&mahony, gyro, accel, NULL),
            balance_madgwick_step(&madgwick, gyro, accel, NULL),
            balance_basic_vqf_step(&basic, gyro, accel, NULL),
            balance_vqf_step(&vqf, gyro, accel, NULL),
        };
        for (int k = 0; k < 4; k++) {
            CHECK(fabsf(all[k].roll - 0.5236f) < 2e-3f && fabsf(all[k].pitch) < 1e-3f);
        }
    }
    CHECK(balance_vqf_step(&vqf, NULL, NULL, NULL).w == 1.0f);

    balance_wheel_speed wheel;
    CHECK(balance_wheel_speed_init(&wheel, 1920.0f, 0.006f, 0.001f) == BALANCE_OK);
    float speed = 0.0f;
    for (int n = 0; n < 2000; n++) speed = balance_wheel_speed_step(&wheel, 2 * n);
    CHECK(fabsf(speed - 2000.0f / 1920.0f * 6.2831853f) < 0.05f);
}

/* A cart of mass 1, pushed: position, speed, and two states that do nothing. */
static const balance_model cart = {
    .a = {{0.0f, 1.0f, 0.0f, 0.0f}, {0.0f, 0.0f, 0.0f, 0.0f}, {0.0f, 0.0f, -1.0f, 0.0f}, {0.0f, 0.0f, 0.0f, -2.0f}},
    .b = {0.0f, 1.0f, 0.0f, 0.0f},
    .state_limit = {0.1f, 0.5f, INFINITY, INFINITY},
    .input_limit = 2.0f,
};

static void design(void) {
    float gain[4];
    CHECK(balance_lqr_design(&cart, 0.01f, &gain) == BALANCE_OK);
    CHECK(gain[0] > 15.0f && gain[0] < 20.0f && gain[1] > 5.0f && gain[1] < 8.0f);
    CHECK(fabsf(gain[2]) < 1e-4f && fabsf(gain[3]) < 1e-4f);
    balance_model unreachable = cart;
    unreachable.b[1] = 0.0f;
    CHECK(balance_lqr_design(&unreachable, 0.01f, &gain) == BALANCE_NO_DESIGN);
    unreachable.b[1] = NAN;
    CHECK(balance_lqr_design(&unreachable, 0.01f, &gain) == BALANCE_NOT_FINITE);
    CHECK(balance_lqr_design(&cart, 0.01f, NULL) == BALANCE_NULL);
    CHECK(balance_lqr_design(NULL, 0.01f, &gain) == BALANCE_NULL);

    balance_mpc_config config = {
        .model = cart,
        .input_min = -2.0f,
        .input_max = 2.0f,
        .state_min = {-INFINITY, -INFINITY, -INFINITY, -INFINITY},
        .state_max = {INFINITY, INFINITY, INFINITY, INFINITY},
        .iterations = 100,
        .tolerance = 1e-3f,
    };
    static balance_mpc mpc;
    CHECK(balance_mpc_init(&mpc, &config, 0.01f) == BALANCE_OK);
    float x[4] = {1.0f, 0.0f, 0.0f, 0.0f};
    balance_mpc_output out = balance_mpc_step(&mpc, &x);
    CHECK(out.input == -2.0f && out.status != BALANCE_MPC_UNCONSTRAINED);
    for (int n = 0; n < 1000; n++) {
        out = balance_mpc_step(&mpc, &x);
        CHECK(fabsf(out.input) <= 2.0f);
        x[0] += 0.01f * x[1] + 0.00005f * out.input;
        x[1] += 0.01f * out.input;
    }
    CHECK(fabsf(x[0]) < 1e-3f && out.status == BALANCE_MPC_UNCONSTRAINED);
    CHECK(fabsf(out.input + gain[0] * x[0] + gain[1] * x[1]) < 1e-3f);
    const float broken[4] = {NAN, 0.0f, 0.0f, 0.0f};
    CHECK(balance_mpc_step(&mpc, &broken).held);
    config.input_min = 3.0f;
    CHECK(balance_mpc_init(&mpc, &config, 0.01f) == BALANCE_ORDER);
}

static void profiles(void) {
    balance_trapezoid trapezoid;
    balance_s_curve curve;
    CHECK(balance_trapezoid_init(&trapezoid, 0.5f, 2.0f, 0.01f) == BALANCE_OK);
    CHECK(balance_s_curve_init(&curve, 0.5f, 2.0f, 20.0f, 0.01f) == BALANCE_OK);
    int ticks = 1;
    while (!balance_trapezoid_step(&trapezoid, 1.0f, 0.0f).arrived && ticks < 1000) ticks++;
    CHECK(ticks >= 225 && ticks <= 226); /* 1 m at 0.5 m/s, and 0.25 s for speeding up and braking */
    balance_motion last = {0};
    for (ticks = 0; ticks < 1000; ticks++) {
        balance_motion now = balance_s_curve_step(&curve, ticks == 100 ? NAN : 1.0f, 0.0f);
        CHECK(fabsf(now.speed) <= 0.5001f && fabsf(now.acceleration) <= 2.001f);
        CHECK(fabsf(now.acceleration - last.acceleration) <= 0.201f);
        last = now;
    }
    CHECK(last.arrived && last.position == 1.0f);
    CHECK(balance_s_curve_reset_to(&curve, -1.0f) == BALANCE_OK);
    CHECK(balance_s_curve_step(&curve, -1.0f, 0.0f).position == -1.0f);
    CHECK(balance_trapezoid_init(&trapezoid, 0.5f, 0.0f, 0.01f) == BALANCE_OUT_OF_RANGE);
}

static void motors(void) {
    balance_current_loop_config loop_config = balance_current_loop_config_default();
    balance_current_loop loop;
    CHECK(balance_current_loop_init(&loop, &loop_config, 5e-5f) == BALANCE_OK);
    /* The magnet along phase a, not turning: the winding answers with R and L. */
    float current = 0.0f;
    balance_current_loop_output drive = {0};
    for (int n = 0; n < 2000; n++) {
        balance_current_loop_input in = {.bus_voltage = 36.0f, .reference_q = 1.0f};
        in.phase_currents[1] = 0.8660254f * current;
        drive = balance_current_loop_step(&loop, &in);
        /* Across the magnet: between phases b and c. */
        float volts = (drive.duties[1] - drive.duties[2]) * 36.0f / 1.7320508f;
        current += 5e-5f / loop_config.machine.inductance_q * (volts - loop_config.machine.resistance * current);
    }
    CHECK(fabsf(current - 1.0f) < 1e-3f && fabsf(drive.current_q - 1.0f) < 1e-3f && !drive.held);
    balance_current_loop_input blind = {.angle = NAN, .bus_voltage = 36.0f};
    balance_current_loop_output held = balance_current_loop_step(&loop, &blind);
    CHECK(held.held && held.duties[1] == drive.duties[1]);
    CHECK(balance_current_loop_step(&loop, NULL).duties[0] == 0.0f);
    balance_speed_loop speed;
    CHECK(balance_speed_loop_init(&speed, 8e-3f, 0.5175f, 20.0f, 15.0f, 0.001f) == BALANCE_OK);
    CHECK(balance_speed_loop_step(&speed, 1000.0f, 0.0f) == 15.0f);
    CHECK(balance_speed_loop_step(&speed, -1000.0f, 0.0f) == -15.0f);

    balance_stepper stepper;
    CHECK(balance_stepper_init(&stepper, 100000.0f, 50000.0f, 100000.0f) == BALANCE_OK);
    CHECK(balance_stepper_go_to(&stepper, -1000) == BALANCE_OK && !balance_stepper_is_resting(&stepper));
    int made = 0;
    for (int n = 0; n < 30000; n++) made += balance_stepper_tick(&stepper);
    CHECK(made == -1000 && balance_stepper_position(&stepper) == -1000 && balance_stepper_is_resting(&stepper));
    CHECK(balance_stepper_init(&stepper, 1000.0f, 600.0f, 100.0f) == BALANCE_OUT_OF_RANGE);

    balance_duty_map_config config = balance_duty_map_config_default();
    balance_duty_map map;
    CHECK(balance_duty_map_init(&map, &config) == BALANCE_OK);
    CHECK(fabsf(balance_duty_map_step(&map, 3.7f, 7.4f) - 0.5f) < 1e-5f);
    CHECK(fabsf(balance_duty_map_step(&map, 100.0f, 7.4f) - 1.0f) < 1e-5f);
}

static void robot(void) {
    balance_robot_config config;
    float value = 0.0f;
    CHECK(balance_robot_config_init(&config, 7) == BALANCE_UNKNOWN);
    CHECK(balance_robot_config_init(&config, BALANCE_ROBOT_PICO_KIT) == BALANCE_OK);
    CHECK(balance_robot_config_set(&config, "balance.pitch", -27.0f) == BALANCE_OK);
    CHECK(balance_robot_config_get(&config, "balance.pitch", &value) == BALANCE_OK && value == -27.0f);
    CHECK(balance_robot_config_set(&config, "balance.pich", 1.0f) == BALANCE_UNKNOWN);
    CHECK(balance_robot_config_set(&config, NULL, 1.0f) == BALANCE_UNKNOWN);
    CHECK(balance_robot_config_set(&config, "balance.pitch", NAN) == BALANCE_OUT_OF_RANGE);
    CHECK(balance_robot_config_set(&config, "limits.max_tilt", 0.1f) == BALANCE_ORDER);

    static balance_robot_f32 fast;
    static balance_robot_fixed small;
    CHECK(balance_robot_f32_init(&fast, &config) == BALANCE_OK);
    CHECK(balance_robot_fixed_init(&small, &config) == BALANCE_OK);
    balance_robot_inputs in = {0};
    in.imu_ok = in.encoders_ok = in.arm = true;
    in.battery_mv = 11100;
    balance_robot_outputs a = {0}, b = {0};
    for (int n = 0; n < 4000; n++) {
        in.now_us = 1000u * (uint64_t)n;
        in.accel[2] = (int16_t)(8192 + n % 3);
        in.gyro[1] = (int16_t)(n % 2);
        a = balance_robot_f32_tick(&fast, &in);
        b = balance_robot_fixed_tick(&small, &in);
        CHECK(!a.powered || a.state == 3);
    }
    CHECK(a.state == 3 && b.state == 3 && a.powered);
    CHECK(fabsf(a.left - b.left) < 0.02f && fabsf(a.pitch) < 0.01f);
    in.imu_ok = false;
    for (int n = 4000; n < 4200; n++) {
        in.now_us = 1000u * (uint64_t)n;
        a = balance_robot_f32_tick(&fast, &in);
    }
    CHECK(!a.powered && a.left == 0.0f);
    CHECK(strcmp(balance_robot_stop_text(a.stop), "sensor stale") == 0);
    a = balance_robot_f32_tick(NULL, &in);
    CHECK(!a.powered);
    CHECK(strcmp(balance_status_text(BALANCE_NULL), "a pointer is null") == 0);
    CHECK(strlen(balance_status_text(-1)) > 0 && strlen(balance_status_text(1000)) > 0);
}

int main(void) {
    controllers();
    filters();
    estimators();
    design();
    profiles();
    motors();
    robot();
    printf("%s\n", failures ? "failed" : "the library works from C");
    return failures != 0;
}
