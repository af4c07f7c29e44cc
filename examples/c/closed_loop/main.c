/* A robot of balance-core, from C, on an emulated STM32F405: takes each tick's inputs from the
 * simulator, gives the outputs back. Semihosting carries both, on QEMU's standard input and output. */
#include "balance.h"
#include "host.h"
#include "systick.h"
#include "wire.h"

static balance_robot_config config;
static union {
    balance_robot_f32 f32;
    balance_robot_fixed fixed;
} robot;

static balance_robot_inputs inputs_of(const wire_request *request) {
    balance_robot_inputs in = {
        .now_us = request->now_us,
        .encoders = {request->encoders[0], request->encoders[1]},
        .battery_mv = request->flags & WIRE_BATTERY ? request->battery_mv : -1,
        .imu_ok = request->flags & WIRE_IMU,
        .encoders_ok = request->flags & WIRE_ENCODERS,
        .arm = request->flags & WIRE_ARM,
        .speed = (float)request->speed,
        .turn = (float)request->turn,
    };
    for (int axis = 0; axis < 3; axis++) {
        in.accel[axis] = request->accel[axis];
        in.gyro[axis] = request->gyro[axis];
    }
    return in;
}

int main(void) {
    static const char hello[8] = {'b', 'a', 'l', 'a', 'n', 'c', 'e', 1 << WIRE_F32 | 1 << WIRE_FIXED};
    wire_begin begin;
    wire_request request;
    host_open();
    systick_start();
    host_write(hello, sizeof hello);
    if (!host_read(&begin, sizeof begin) || begin.version != 1) {
        return 1;
    }
    if (balance_robot_config_init(&config, begin.robot) != BALANCE_OK) {
        return 1;
    }
    const balance_status built = begin.scalar == WIRE_F32 ? balance_robot_f32_init(&robot.f32, &config)
        : begin.scalar == WIRE_FIXED                      ? balance_robot_fixed_init(&robot.fixed, &config)
                                                          : BALANCE_UNKNOWN;
    if (built != BALANCE_OK) {
        return 1;
    }
    while (host_read(&request, sizeof request)) {
        const balance_robot_inputs in = inputs_of(&request);
        const uint32_t before = systick_now();
        const balance_robot_outputs out = begin.scalar == WIRE_F32
            ? balance_robot_f32_tick(&robot.f32, &in)
            : balance_robot_fixed_tick(&robot.fixed, &in);
        const uint32_t cost = systick_since(before);
        const wire_answer answer = {
            .left = (double)out.left,
            .right = (double)out.right,
            .pitch = (double)out.pitch,
            .pitch_rate = (double)out.pitch_rate,
            .position = (double)out.position,
            .speed = (double)out.speed,
            .state = out.state,
            .stop = out.stop,
            .motors = out.powered ? 3 : 0,
            .count = request.count,
            .cost = cost,
        };
        host_write(&answer, sizeof answer);
    }
    return 0; /* the simulator has hung up */
}
