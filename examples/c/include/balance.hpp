// balance-core for C++: the C library in classes. No allocation, no exceptions: `status()` says
// whether an object was built, and one that was not gives zeros.
#ifndef BALANCE_HPP
#define BALANCE_HPP

#include "balance.h"

namespace balance {

/// PID; see `balance_pid_config`.
class Pid {
public:
    Pid(const balance_pid_config &config, float dt) : handle_{}, status_(balance_pid_init(&handle_, &config, dt)) {}
    float step(float setpoint, float measured) { return balance_pid_step(&handle_, setpoint, measured); }
    balance_pid_output step(float setpoint, float measured, float feedforward, float dt) {
        return balance_pid_step_full(&handle_, setpoint, measured, feedforward, dt);
    }
    balance_status retune(const balance_pid_config &config) { return balance_pid_retune(&handle_, &config); }
    void reset() { balance_pid_reset(&handle_); }
    balance_status status() const { return status_; }

private:
    balance_pid handle_;
    balance_status status_;
};

/// Kalman filter of one tilt angle and the gyroscope's bias.
class TiltKalman {
public:
    TiltKalman(const balance_tilt_kalman_config &config, float dt)
        : handle_{}, status_(balance_tilt_kalman_init(&handle_, &config, dt)) {}
    balance_tilt step(float rate, float accel_angle) { return balance_tilt_kalman_step(&handle_, rate, accel_angle); }
    void reset() { balance_tilt_kalman_reset(&handle_); }
    balance_status status() const { return status_; }

private:
    balance_tilt_kalman handle_;
    balance_status status_;
};

/// VQF: attitude in space, with the gyroscope's bias. Accelerometer and magnetometer may be null.
class Vqf {
public:
    explicit Vqf(float dt) : handle_{}, status_(balance_vqf_init(&handle_, dt)) {}
    balance_attitude step(const float (&gyro)[3], const float (*accel)[3], const float (*mag)[3] = nullptr) {
        return balance_vqf_step(&handle_, &gyro, accel, mag);
    }
    void reset() { balance_vqf_reset(&handle_); }
    balance_status status() const { return status_; }

private:
    balance_vqf handle_;
    balance_status status_;
};

/// A whole balancing robot in single precision.
class Robot {
public:
    explicit Robot(balance_robot_config &config) : handle_{}, status_(balance_robot_f32_init(&handle_, &config)) {}
    balance_robot_outputs tick(const balance_robot_inputs &inputs) { return balance_robot_f32_tick(&handle_, &inputs); }
    balance_status status() const { return status_; }

private:
    balance_robot_f32 handle_;
    balance_status status_;
};

} // namespace balance

#endif
