// The C++ header compiles, and its objects do what the C functions do.
#include "balance.hpp"
#include <cmath>
#include <cstdio>

int main() {
    balance_pid_config config = balance_pid_config_default();
    balance::Pid pid(config, 0.001f);
    config.kp = NAN;
    balance::Pid broken(config, 0.001f);
    balance::Vqf vqf(0.01f);
    const float gyro[3] = {0, 0, 0}, accel[3] = {0, 0, 9.81f};
    balance::TiltKalman tilt(balance_tilt_kalman_config_default(), 0.001f);
    balance_robot_config robot_config;
    balance_robot_config_init(&robot_config, BALANCE_ROBOT_BALBOA_32U4);
    static balance::Robot robot(robot_config);
    const bool good = pid.status() == BALANCE_OK && std::fabs(pid.step(0.25f, 0.0f) - 0.25f) < 1e-6f
        && broken.status() == BALANCE_NOT_FINITE && broken.step(1.0f, 0.0f) == 0.0f
        && vqf.step(gyro, &accel).w > 0.999f && tilt.step(0.0f, 0.1f).angle == 0.1f
        && robot.status() == BALANCE_OK && !robot.tick(balance_robot_inputs{}).powered;
    std::puts(good ? "the library works from C++" : "failed");
    return good ? 0 : 1;
}
