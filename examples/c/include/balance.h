/* balance-core for C and C++. Made of the Rust sources; not to be edited.
 *
 * A handle is plain memory of yours: init it, step it, throw it away. Nothing is allocated. A step
 * never fails: a NaN holds the last output, and a handle that was not initialised gives zeros. One
 * handle must not be used from two threads, or a thread and an interrupt, at the same time. */

#ifndef BALANCE_H
#define BALANCE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

// Whether something was done, and why not.
typedef enum balance_status {
  // Done.
  BALANCE_OK = 0,
  // A pointer is null.
  BALANCE_NULL = 1,
  // A pointer is not aligned to what it points to.
  BALANCE_MISALIGNED = 2,
  // The handle was never initialised, or is one of another kind.
  BALANCE_NOT_INITIALISED = 3,
  // A number is NaN or infinite.
  BALANCE_NOT_FINITE = 4,
  // A number is out of its range.
  BALANCE_OUT_OF_RANGE = 5,
  // Two numbers are in the wrong order.
  BALANCE_ORDER = 6,
  // A number gives a coefficient that the scalar type cannot hold.
  BALANCE_UNREPRESENTABLE = 7,
  // There is no such name, kind or preset.
  BALANCE_UNKNOWN = 8,
  // Only while the motors have no power.
  BALANCE_ARMED = 9,
  // The model has no such gain: out of the input's reach, unseen, or beyond the accuracy.
  BALANCE_NO_DESIGN = 10,
} balance_status;

// How an answer of a predictive controller came about.
typedef enum balance_mpc_status {
  // No limit acts: the input is that of the LQR.
  BALANCE_MPC_UNCONSTRAINED = 0,
  // The best under the limits.
  BALANCE_MPC_SOLVED = 1,
  // Not solved in time: the input is that of the LQR, limited.
  BALANCE_MPC_FALLBACK = 2,
} balance_mpc_status;

// What a biquad lets through.
typedef enum balance_biquad_kind {
  // Below the frequency.
  BALANCE_BIQUAD_LOW = 0,
  // Above the frequency.
  BALANCE_BIQUAD_HIGH = 1,
  // Around the frequency.
  BALANCE_BIQUAD_BAND = 2,
  // All but the frequency.
  BALANCE_BIQUAD_NOTCH = 3,
  // Everything, with a phase that turns around the frequency.
  BALANCE_BIQUAD_ALL_PASS = 4,
  // Everything, with a gain at the frequency.
  BALANCE_BIQUAD_PEAK = 5,
  // Everything, with a gain below the frequency.
  BALANCE_BIQUAD_LOW_SHELF = 6,
  // Everything, with a gain above the frequency.
  BALANCE_BIQUAD_HIGH_SHELF = 7,
} balance_biquad_kind;

// Robots that are known in every number.
typedef enum balance_robot_preset {
  // Two Pololu 37D motors, 80 mm wheels, MPU-6050, three lithium cells.
  BALANCE_ROBOT_PICO_KIT = 0,
  // Pololu Balboa 32U4.
  BALANCE_ROBOT_BALBOA_32U4 = 1,
  // LEGO NXTway-GS.
  BALANCE_ROBOT_NXTWAY_GS = 2,
} balance_robot_preset;

// Settings of Mahony's filter.
typedef struct balance_mahony_config {
  // Pull of accelerometer and magnetometer, in 1/s.
  float proportional_gain;
  // Speed of the bias estimate, in 1/s².
  float integral_gain;
} balance_mahony_config;

// Mahony's filter.
typedef struct balance_mahony {
  // Not to be touched.
  uint64_t private_words[18];
} balance_mahony;

// Madgwick's filter.
typedef struct balance_madgwick {
  // Not to be touched.
  uint64_t private_words[16];
} balance_madgwick;

// BasicVQF: cheap and accurate.
typedef struct balance_basic_vqf {
  // Not to be touched.
  uint64_t private_words[28];
} balance_basic_vqf;

// VQF: with the gyroscope's bias, at rest and in motion, and disturbed fields rejected.
typedef struct balance_vqf {
  // Not to be touched.
  uint64_t private_words[104];
} balance_vqf;

// An attitude: from the body's axes (x forward, y left, z up) to the world's (z up).
typedef struct balance_attitude {
  // Quaternion, scalar first.
  float w;
  // Quaternion.
  float x;
  // Quaternion.
  float y;
  // Quaternion.
  float z;
  // Left side up, in rad.
  float roll;
  // Nose down, in rad.
  float pitch;
  // To the left, in rad.
  float yaw;
  // Bias of the gyroscope, in rad/s.
  float gyro_bias[3];
} balance_attitude;

// Settings of a PID.
typedef struct balance_pid_config {
  // Output per unit of error.
  float kp;
  // Output per unit of error and second.
  float ki;
  // Output per unit of error rate.
  float kd;
  // Share of the setpoint that the proportional term sees, 0 to 1.
  float setpoint_weight;
  // Share of the setpoint that the derivative sees, 0 to 1.
  float derivative_setpoint_weight;
  // Cut-off of the derivative's low-pass in Hz; zero or less: none.
  float derivative_cutoff_hz;
  // Smallest output.
  float output_min;
  // Largest output.
  float output_max;
  // Time constant of back-calculation in s; zero or less: conditional integration.
  float tracking_time;
} balance_pid_config;

// PID with anti-windup, filtered derivative, and everything else that people ask for.
typedef struct balance_pid {
  // Not to be touched.
  uint64_t private_words[24];
} balance_pid;

// What a step of a PID is made of.
typedef struct balance_pid_output {
  // Proportional part.
  float p;
  // Integral part.
  float i;
  // Derivative part.
  float d;
  // The output, within its limits.
  float total;
  // Whether a limit acted.
  bool saturated;
} balance_pid_output;

// State feedback of four states, the step of an LQR.
typedef struct balance_state_feedback {
  // Not to be touched.
  uint64_t private_words[14];
} balance_state_feedback;

// A linear model, `dx/dt = a x + b u`, and what deviation and effort cost.
typedef struct balance_model {
  // Row by row: what each state does to the rate of the first, and so on.
  float a[4][4];
  // What the input does to the rate of each state.
  float b[4];
  // How much of each state is as bad as `input_limit` of the input; infinite: any.
  float state_limit[4];
  // See `state_limit`.
  float input_limit;
} balance_model;

// Model predictive control of four states and one input, ten periods ahead.
typedef struct balance_mpc {
  // Not to be touched.
  uint64_t private_words[140];
} balance_mpc;

// Limits of a predictive controller.
typedef struct balance_mpc_config {
  // The model and its prices.
  struct balance_model model;
  // Smallest input.
  float input_min;
  // Largest input.
  float input_max;
  // Smallest value of each state; minus infinity: none.
  float state_min[4];
  // Largest value of each state; infinity: none.
  float state_max[4];
  // Rounds of the solver in a step, 1 to 10000: what bounds the time.
  uint32_t iterations;
  // Accuracy, in shares of the limits, 1e-7 to 0.1.
  float tolerance;
} balance_mpc_config;

// What a step of a predictive controller gives.
typedef struct balance_mpc_output {
  // What to apply now, within its limits.
  float input;
  // Rounds of the solver.
  uint32_t iterations;
  // How it came about.
  enum balance_mpc_status status;
  // A state was unusable, and the last input stands.
  bool held;
} balance_mpc_output;

// A three-phase motor with permanent magnets, per phase in star connection.
typedef struct balance_machine {
  // Pairs of poles: half the number of magnets.
  uint16_t pole_pairs;
  // Resistance of a phase, in Ω.
  float resistance;
  // Inductance along the magnet, in H.
  float inductance_d;
  // Inductance across it, in H.
  float inductance_q;
  // Flux of the magnet through a phase, in V·s.
  float flux;
} balance_machine;

// Settings of a current loop.
typedef struct balance_current_loop_config {
  // The motor.
  struct balance_machine machine;
  // Bandwidth, in rad/s.
  float bandwidth;
  // Length of the largest voltage vector, over what every direction can have.
  float max_modulation;
  // Periods from the measurement until half of the new voltage has acted.
  float output_delay;
  // Lowest bus voltage that is believed, in V.
  float min_bus_voltage;
  // Highest bus voltage that is believed, in V.
  float max_bus_voltage;
} balance_current_loop_config;

// Current loop of a three-phase motor: currents and angle in, duties out.
typedef struct balance_current_loop {
  // Not to be touched.
  uint64_t private_words[20];
} balance_current_loop;

// What a period of a current loop gives.
typedef struct balance_current_loop_output {
  // Share of the period for which each upper switch is on, 0 to 1; all zero for a bad handle.
  float duties[3];
  // Measured current along the magnet, in A.
  float current_d;
  // Measured current across it, in A.
  float current_q;
  // The voltage was limited.
  bool saturated;
  // An input was unusable: the last good duties stand. Switch off if that goes on.
  bool held;
} balance_current_loop_output;

// What a period of a current loop takes.
typedef struct balance_current_loop_input {
  // Currents into phases a and b, in A.
  float phase_currents[2];
  // Electrical angle at the moment of the measurement, in rad.
  float angle;
  // Electrical speed, in rad/s.
  float speed;
  // Bus voltage, in V.
  float bus_voltage;
  // Wanted current along the magnet, in A.
  float reference_d;
  // Wanted current across it, that makes torque, in A.
  float reference_q;
} balance_current_loop_input;

// Speed loop of a three-phase motor: speed in, current out.
typedef struct balance_speed_loop {
  // Not to be touched.
  uint64_t private_words[10];
} balance_speed_loop;

// Settings of a lean PID; the gains mean the same as in `balance_pid_config`.
typedef struct balance_lean_pid_config {
  // Output per unit of error.
  float kp;
  // Output per unit of error and second.
  float ki;
  // Output per unit of the measured value's rate.
  float kd;
  // Cut-off of the derivative's low-pass in Hz; zero or less: none.
  float derivative_cutoff_hz;
  // Smallest output.
  float output_min;
  // Largest output.
  float output_max;
} balance_lean_pid_config;

// A PID with clamped integral and filtered derivative, and nothing else.
typedef struct balance_lean_pid {
  // Not to be touched.
  uint64_t private_words[12];
} balance_lean_pid;

// Settings of a duty map.
typedef struct balance_duty_map_config {
  // Voltage at which the motor only just turns, in V.
  float friction_voltage;
  // Voltage from which it is added in full, in V.
  float friction_blend;
  // Battery voltage when none is measured, in V.
  float nominal_battery;
  // Smallest measured battery voltage that is believed, in V.
  float min_battery;
  // Largest measured battery voltage that is believed, in V.
  float max_battery;
  // Largest duty, above 0 to 1.
  float max_duty;
} balance_duty_map_config;

// From volts to a duty: battery and dead band made up for.
typedef struct balance_duty_map {
  // Not to be touched.
  uint64_t private_words[10];
} balance_duty_map;

// Profile of limited speed and acceleration.
typedef struct balance_trapezoid {
  // Not to be touched.
  uint64_t private_words[20];
} balance_trapezoid;

// Profile of limited speed, acceleration and jerk.
typedef struct balance_s_curve {
  // Not to be touched.
  uint64_t private_words[26];
} balance_s_curve;

// Where the profile is.
typedef struct balance_motion {
  // Position.
  float position;
  // Speed, per second.
  float speed;
  // Acceleration, per second squared.
  float acceleration;
  // Whether the goal has been reached.
  bool arrived;
} balance_motion;

// Everything about one robot; its numbers have names, as in `balance.pitch`.
typedef struct balance_robot_config {
  // Not to be touched.
  uint64_t private_words[320];
} balance_robot_config;

// A balancing robot that computes in single precision: for chips with an FPU.
typedef struct balance_robot_f32 {
  // Not to be touched.
  uint64_t private_words[200];
} balance_robot_f32;

// What the motors shall do, and how the robot is.
typedef struct balance_robot_outputs {
  // Duty of the left motor, −1 to 1.
  float left;
  // Duty of the right motor, −1 to 1.
  float right;
  // The motors have power; both coast if not.
  bool powered;
  // 0 disarmed, 1 calibrating, 2 ready, 3 balancing, 4 fallen, 5 faulted.
  uint8_t state;
  // Why it is not balancing: a number for `balance_robot_stop_text`; 0 if it is.
  uint8_t stop;
  // Nose down, in rad.
  float pitch;
  // Its rate, in rad/s.
  float pitch_rate;
  // Speed, in m/s.
  float speed;
  // Way since it began to balance, in m.
  float position;
} balance_robot_outputs;

// What the sensors said, and what the driver wants.
typedef struct balance_robot_inputs {
  // Microseconds since the clock started.
  uint64_t now_us;
  // Accelerometer, in counts of the sensor.
  int16_t accel[3];
  // Gyroscope, in counts of the sensor.
  int16_t gyro[3];
  // Counts of the left and the right wheel; both grow when the robot drives forward.
  int32_t encoders[2];
  // Battery, in mV; below zero: not measured.
  int32_t battery_mv;
  // The inertial sensor was read.
  bool imu_ok;
  // The encoders were read.
  bool encoders_ok;
  // Motors may run. Taking it back clears a latched stop.
  bool arm;
  // Speed asked for, in m/s.
  float speed;
  // Yaw rate asked for, to the left positive, in rad/s.
  float turn;
} balance_robot_inputs;

// A balancing robot that computes in saturating fixed point: for chips without one.
typedef struct balance_robot_fixed {
  // Not to be touched.
  uint64_t private_words[220];
} balance_robot_fixed;

// First-order low-pass.
typedef struct balance_low_pass {
  // Not to be touched.
  uint64_t private_words[6];
} balance_low_pass;

// Settings of a biquad.
typedef struct balance_biquad_config {
  // One of `balance_biquad_kind`.
  int32_t kind;
  // Corner, centre or midpoint, in Hz.
  float frequency_hz;
  // Quality, 0.01 to 1000; 0.707 is the flattest.
  float q;
  // Gain of peak and shelves, in dB.
  float gain_db;
} balance_biquad_config;

// Biquad: low, high, band, notch, peak or shelf.
typedef struct balance_biquad {
  // Not to be touched.
  uint64_t private_words[10];
} balance_biquad;

// When to step: exact positions and ramps, tick by tick of a timer.
typedef struct balance_stepper {
  // Not to be touched.
  uint64_t private_words[12];
} balance_stepper;

// Complementary filter of gyroscope and accelerometer angle.
typedef struct balance_complementary {
  // Not to be touched.
  uint64_t private_words[6];
} balance_complementary;

// A tilt.
typedef struct balance_tilt {
  // Angle, in rad.
  float angle;
  // Rate without bias, in rad/s.
  float rate;
  // Bias of the gyroscope, in rad/s.
  float bias;
} balance_tilt;

// Settings of a tilt Kalman filter.
typedef struct balance_tilt_kalman_config {
  // Noise of the gyroscope, in rad/s/√Hz.
  float gyro_noise;
  // Walk of its bias, in rad/s²/√Hz.
  float bias_walk;
  // Noise of the accelerometer angle, in rad.
  float accel_noise;
  // How far off the bias may be at the start, in rad/s.
  float initial_bias;
} balance_tilt_kalman_config;

// Kalman filter of angle and gyroscope bias.
typedef struct balance_tilt_kalman {
  // Not to be touched.
  uint64_t private_words[14];
} balance_tilt_kalman;

// Speed of a wheel from encoder counts.
typedef struct balance_wheel_speed {
  // Not to be touched.
  uint64_t private_words[16];
} balance_wheel_speed;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// Suits a small robot.
struct balance_mahony_config balance_mahony_config_default(void);

// Prepares Mahony's filter for a period in s.
enum balance_status balance_mahony_init(struct balance_mahony *handle,
                                        const struct balance_mahony_config *config,
                                        float dt);

// Prepares Madgwick's filter with a gain in rad/s for a period in s.
enum balance_status balance_madgwick_init(struct balance_madgwick *handle, float gain, float dt);

// Prepares BasicVQF with the time constants of accelerometer and magnetometer, in s.
enum balance_status balance_basic_vqf_init(struct balance_basic_vqf *handle,
                                           float accel_time_constant,
                                           float mag_time_constant,
                                           float dt);

// Prepares VQF, with the published settings, for a period in s.
enum balance_status balance_vqf_init(struct balance_vqf *handle, float dt);

// Advances by a rate in rad/s, a specific force in m/s² and a field in any unit, each about
// and along x, y, z of the body. Accelerometer and magnetometer may be null, or NaN: missing.
struct balance_attitude balance_mahony_step(struct balance_mahony *handle,
                                            const float (*gyro)[3],
                                            const float (*accel)[3],
                                            const float (*mag)[3]);

// Forgets everything but the settings.
enum balance_status balance_mahony_reset(struct balance_mahony *handle);

// Advances by a rate in rad/s, a specific force in m/s² and a field in any unit, each about
// and along x, y, z of the body. Accelerometer and magnetometer may be null, or NaN: missing.
struct balance_attitude balance_madgwick_step(struct balance_madgwick *handle,
                                              const float (*gyro)[3],
                                              const float (*accel)[3],
                                              const float (*mag)[3]);

// Forgets everything but the settings.
enum balance_status balance_madgwick_reset(struct balance_madgwick *handle);

// Advances by a rate in rad/s, a specific force in m/s² and a field in any unit, each about
// and along x, y, z of the body. Accelerometer and magnetometer may be null, or NaN: missing.
struct balance_attitude balance_basic_vqf_step(struct balance_basic_vqf *handle,
                                               const float (*gyro)[3],
                                               const float (*accel)[3],
                                               const float (*mag)[3]);

// Forgets everything but the settings.
enum balance_status balance_basic_vqf_reset(struct balance_basic_vqf *handle);

// Advances by a rate in rad/s, a specific force in m/s² and a field in any unit, each about
// and along x, y, z of the body. Accelerometer and magnetometer may be null, or NaN: missing.
struct balance_attitude balance_vqf_step(struct balance_vqf *handle,
                                         const float (*gyro)[3],
                                         const float (*accel)[3],
                                         const float (*mag)[3]);

// Forgets everything but the settings.
enum balance_status balance_vqf_reset(struct balance_vqf *handle);

// A gain of one, within ±1.
struct balance_pid_config balance_pid_config_default(void);

// Prepares a PID for a period in s.
enum balance_status balance_pid_init(struct balance_pid *handle,
                                     const struct balance_pid_config *config,
                                     float dt);

// The output for a setpoint and a measured value. A NaN holds the last output.
float balance_pid_step(struct balance_pid *handle, float setpoint, float measured);

// As `balance_pid_step`, with the time in s that really passed, or zero for the nominal period, a
// feed-forward, and the parts of the output.
struct balance_pid_output balance_pid_step_full(struct balance_pid *handle,
                                                float setpoint,
                                                float measured,
                                                float feedforward,
                                                float dt);

// Takes other settings without a jump of the output.
enum balance_status balance_pid_retune(struct balance_pid *handle,
                                       const struct balance_pid_config *config);

// Back to rest.
enum balance_status balance_pid_reset(struct balance_pid *handle);

// Prepares `u = −K x` within limits.
enum balance_status balance_state_feedback_init(struct balance_state_feedback *handle,
                                                const float (*gain)[4],
                                                float output_min,
                                                float output_max,
                                                float dt);

// The output for four states. A NaN holds the last one.
float balance_state_feedback_step(struct balance_state_feedback *handle, const float (*state)[4]);

// The gain of `u = −gain · x` that is best for the model, held for periods in s. Millions of
// instructions: not in the loop.
enum balance_status balance_lqr_design(const struct balance_model *model,
                                       float dt,
                                       float (*gain)[4]);

// Prepares a predictive controller for a period in s. Millions of instructions.
enum balance_status balance_mpc_init(struct balance_mpc *handle,
                                     const struct balance_mpc_config *config,
                                     float dt);

// The best input now, toward a state of zeros.
struct balance_mpc_output balance_mpc_step(struct balance_mpc *handle, const float (*state)[4]);

// A hoverboard's wheel on ten cells, 200 Hz.
struct balance_current_loop_config balance_current_loop_config_default(void);

// Prepares a current loop for a period in s.
enum balance_status balance_current_loop_init(struct balance_current_loop *handle,
                                              const struct balance_current_loop_config *config,
                                              float dt);

// Advances by one period.
struct balance_current_loop_output balance_current_loop_step(struct balance_current_loop *handle,
                                                             const struct balance_current_loop_input *input);

// Prepares a speed loop: inertia in kg·m², torque per ampere in N·m/A, bandwidth in rad/s, largest
// current in A, period in s.
enum balance_status balance_speed_loop_init(struct balance_speed_loop *handle,
                                            float inertia,
                                            float torque_constant,
                                            float bandwidth,
                                            float max_current,
                                            float dt);

// The current in A for a wanted and a measured speed in rad/s of the rotor. A NaN holds the last.
float balance_speed_loop_step(struct balance_speed_loop *handle, float wanted, float speed);

// A gain of one, within ±1.
struct balance_lean_pid_config balance_lean_pid_config_default(void);

// Prepares a lean PID for a period in s.
enum balance_status balance_lean_pid_init(struct balance_lean_pid *handle,
                                          const struct balance_lean_pid_config *config,
                                          float dt);

// The output for a setpoint and a measured value. A NaN holds the last output.
float balance_lean_pid_step(struct balance_lean_pid *handle, float setpoint, float measured);

// Back to rest.
enum balance_status balance_lean_pid_reset(struct balance_lean_pid *handle);

// Two lithium cells, no dead band.
struct balance_duty_map_config balance_duty_map_config_default(void);

// Prepares a duty map.
enum balance_status balance_duty_map_init(struct balance_duty_map *handle,
                                          const struct balance_duty_map_config *config);

// The duty, −1 to 1, for a wanted voltage and the battery's.
float balance_duty_map_step(struct balance_duty_map *handle, float voltage, float battery);

// Prepares a profile with these limits for a period in s, at rest at zero.
enum balance_status balance_trapezoid_init(struct balance_trapezoid *handle,
                                           float speed,
                                           float acceleration,
                                           float dt);

// Prepares a profile with these limits for a period in s, at rest at zero.
enum balance_status balance_s_curve_init(struct balance_s_curve *handle,
                                         float speed,
                                         float acceleration,
                                         float jerk,
                                         float dt);

// Goes on for one period, to be at a position with a speed (zero: to rest there). A NaN
// means the last goal.
struct balance_motion balance_trapezoid_step(struct balance_trapezoid *handle,
                                             float position,
                                             float speed);

// At rest at a position.
enum balance_status balance_trapezoid_reset_to(struct balance_trapezoid *handle, float position);

// Goes on for one period, to be at a position with a speed (zero: to rest there). A NaN
// means the last goal.
struct balance_motion balance_s_curve_step(struct balance_s_curve *handle,
                                           float position,
                                           float speed);

// At rest at a position.
enum balance_status balance_s_curve_reset_to(struct balance_s_curve *handle, float position);

// Begins with a robot that is known, one of `balance_robot_preset`.
enum balance_status balance_robot_config_init(struct balance_robot_config *config, int32_t preset);

// Changes a number by its name, if a robot can be built with it.
enum balance_status balance_robot_config_set(struct balance_robot_config *config,
                                             const char *name,
                                             float value);

// Reads a number by its name.
enum balance_status balance_robot_config_get(struct balance_robot_config *config,
                                             const char *name,
                                             float *value);

// Builds the robot, disarmed.
enum balance_status balance_robot_f32_init(struct balance_robot_f32 *robot,
                                           struct balance_robot_config *config);

// One period: call it a thousand times a second. Motors off for a bad handle.
struct balance_robot_outputs balance_robot_f32_tick(struct balance_robot_f32 *robot,
                                                    const struct balance_robot_inputs *from);

// Builds the robot, disarmed.
enum balance_status balance_robot_fixed_init(struct balance_robot_fixed *robot,
                                             struct balance_robot_config *config);

// One period: call it a thousand times a second. Motors off for a bad handle.
struct balance_robot_outputs balance_robot_fixed_tick(struct balance_robot_fixed *robot,
                                                      const struct balance_robot_inputs *from);

// A reason to stop, in words; never null.
const char *balance_robot_stop_text(uint8_t stop);

// Prepares a low-pass with a cut-off in Hz for a period in s.
enum balance_status balance_low_pass_init(struct balance_low_pass *handle,
                                          float cutoff_hz,
                                          float dt);

// Filters a sample; the first one starts the filter. A NaN leaves it as it was.
float balance_low_pass_step(struct balance_low_pass *handle, float x);

// A Butterworth low-pass at 10 Hz.
struct balance_biquad_config balance_biquad_config_default(void);

// Prepares a biquad for a period in s.
enum balance_status balance_biquad_init(struct balance_biquad *handle,
                                        const struct balance_biquad_config *config,
                                        float dt);

// Filters a sample. A NaN leaves the filter as it was.
float balance_biquad_step(struct balance_biquad *handle, float x);

// Back to rest.
enum balance_status balance_biquad_reset(struct balance_biquad *handle);

// The status in words; never null.
const char *balance_status_text(int32_t status);

// Prepares a stepper at rest at step zero: ticks of its timer per second, largest rate in steps/s,
// acceleration in steps/s².
enum balance_status balance_stepper_init(struct balance_stepper *handle,
                                         float tick_hz,
                                         float max_rate,
                                         float acceleration);

// Goes on at a rate in steps/s, negative for back; a NaN stops.
enum balance_status balance_stepper_run_at(struct balance_stepper *handle, float rate);

// Goes to a step and rests there.
enum balance_status balance_stepper_go_to(struct balance_stepper *handle, int32_t position);

// Stands still as soon as the acceleration allows.
enum balance_status balance_stepper_stop(struct balance_stepper *handle);

// A tick of its timer: 1 for a step forward, −1 for one back, 0 for none.
int8_t balance_stepper_tick(struct balance_stepper *handle);

// Steps made so far.
int32_t balance_stepper_position(struct balance_stepper *handle);

// Whether it stands and has nowhere to go; true for a bad handle.
bool balance_stepper_is_resting(struct balance_stepper *handle);

// Pitch in rad, leaning forward positive, of an accelerometer's counts at any range; a NaN where
// they have no direction.
float balance_accel_pitch(const int16_t (*accel)[3]);

// Roll in rad, left side up positive, of an accelerometer's counts at any range; a NaN where they
// have no direction.
float balance_accel_roll(const int16_t (*accel)[3]);

// Prepares a complementary filter with a time constant in s for a period in s.
enum balance_status balance_complementary_init(struct balance_complementary *handle,
                                               float time_constant,
                                               float dt);

// Advances by a rate in rad/s and an accelerometer angle in rad; a NaN for either says that it is
// missing.
struct balance_tilt balance_complementary_step(struct balance_complementary *handle,
                                               float rate,
                                               float accel_angle);

// Suits an MPU-6050.
struct balance_tilt_kalman_config balance_tilt_kalman_config_default(void);

// Prepares a tilt Kalman filter for a period in s.
enum balance_status balance_tilt_kalman_init(struct balance_tilt_kalman *handle,
                                             const struct balance_tilt_kalman_config *config,
                                             float dt);

// Advances by a rate in rad/s and an accelerometer angle in rad; a NaN for either says that it is
// missing.
struct balance_tilt balance_tilt_kalman_step(struct balance_tilt_kalman *handle,
                                             float rate,
                                             float accel_angle);

// Back to rest.
enum balance_status balance_tilt_kalman_reset(struct balance_tilt_kalman *handle);

// Prepares a wheel's speed: counts of a turn, time constant in s, period in s.
enum balance_status balance_wheel_speed_init(struct balance_wheel_speed *handle,
                                             float counts_per_revolution,
                                             float time_constant,
                                             float dt);

// The speed in rad/s for the encoder's count, which may wrap.
float balance_wheel_speed_step(struct balance_wheel_speed *handle, int32_t count);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* BALANCE_H */
