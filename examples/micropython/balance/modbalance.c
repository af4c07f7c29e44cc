/* The module `balance` for MicroPython: filters, controllers and the robot of balance-core.
 *
 * Every class has `step`, which takes and gives numbers, and `step_into(out, in)`, which takes and gives
 * arrays of floats and allocates nothing, so that a hard interrupt may call it. What cannot be built says
 * why in a ValueError; a step holds its last output on NaN. */
#include <math.h>
#include <string.h>

#include "balance.h"
#include "py/objarray.h"
#include "py/objstr.h"
#include "py/runtime.h"

/* What every object begins with. */
typedef struct {
    mp_obj_base_t base;
    bool alive;
} head_t;

#define CLASS(name)               \
    typedef struct {              \
        mp_obj_base_t base;       \
        bool alive;               \
        balance_##name handle;    \
        balance_##name##_last last; \
    } name##_obj

typedef struct { float value; } balance_pid_last;
typedef balance_pid_last balance_low_pass_last, balance_biquad_last, balance_state_feedback_last;
typedef balance_tilt balance_complementary_last, balance_tilt_kalman_last;
typedef balance_attitude balance_mahony_last, balance_madgwick_last, balance_basic_vqf_last, balance_vqf_last;
CLASS(pid);
CLASS(low_pass);
CLASS(biquad);
CLASS(state_feedback);
CLASS(complementary);
CLASS(tilt_kalman);
CLASS(mahony);
CLASS(madgwick);
CLASS(basic_vqf);
CLASS(vqf);

static float number(mp_obj_t object) { return (float)mp_obj_get_float(object); }

/* A missing reading is a NaN to the library. */
static float number_or_none(mp_obj_t object) { return object == mp_const_none ? NAN : number(object); }

static void demand(balance_status status) {
    if (status != BALANCE_OK) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("%s"), balance_status_text(status));
    }
}

static void *alive(mp_obj_t self) {
    if (!((head_t *)MP_OBJ_TO_PTR(self))->alive) {
        mp_raise_ValueError(MP_ERROR_TEXT("used after deinit"));
    }
    return MP_OBJ_TO_PTR(self);
}

static mp_obj_t deinit(mp_obj_t self) {
    ((head_t *)MP_OBJ_TO_PTR(self))->alive = false;
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(deinit_obj, deinit);

/* At least so many numbers of an array: 'f' for floats, 'i' for integers of 32 bits. */
static void *numbers(mp_obj_t object, int typecode, size_t least, mp_uint_t access) {
    mp_buffer_info_t buffer;
    mp_get_buffer_raise(object, &buffer, access);
    if (buffer.typecode != typecode) {
        mp_raise_msg_varg(&mp_type_TypeError, MP_ERROR_TEXT("array('%c') is wanted"), typecode);
    }
    if (buffer.len < least * 4) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("array of %d is wanted"), (int)least);
    }
    return buffer.buf;
}
static const float *in_floats(mp_obj_t object, size_t least) { return numbers(object, 'f', least, MP_BUFFER_READ); }
static float *out_floats(mp_obj_t object, size_t least) { return numbers(object, 'f', least, MP_BUFFER_WRITE); }

static mp_obj_t tuple(const float *values, size_t count) {
    mp_obj_t items[8];
    for (size_t n = 0; n < count; n++) {
        items[n] = mp_obj_new_float((mp_float_t)values[n]);
    }
    return mp_obj_new_tuple(count, items);
}

/* Keyword arguments: `dt` is needed, whatever else is left out keeps its default. */
typedef struct {
    qstr name;
    float *place;
} setting;

static float settings(size_t count, size_t keywords, const mp_obj_t *all, const setting *known, size_t size) {
    mp_arg_check_num(count, keywords, 0, 0, true);
    float dt = NAN;
    bool timed = false;
    for (size_t n = 0; n < keywords; n++) {
        qstr name = mp_obj_str_get_qstr(all[2 * n]);
        float *place = NULL;
        if (name == MP_QSTR_dt) {
            place = &dt;
            timed = true;
        }
        for (size_t k = 0; k < size; k++) {
            if (known[k].name == name) {
                place = known[k].place;
            }
        }
        if (place == NULL) {
            mp_raise_msg_varg(&mp_type_TypeError, MP_ERROR_TEXT("no argument %q"), name);
        }
        *place = number(all[2 * n + 1]);
    }
    if (!timed) {
        mp_raise_TypeError(MP_ERROR_TEXT("dt is wanted: seconds from step to step"));
    }
    return dt;
}
#define SETTINGS(...)                                                                  \
    const setting known[] = {__VA_ARGS__};                                             \
    float dt = settings(count, keywords, all, known, MP_ARRAY_SIZE(known))
#define NEW(name)                                 \
    name##_obj *self = mp_obj_malloc(name##_obj, type); \
    memset(&self->last, 0, sizeof self->last);    \
    self->alive = true
#define MAKE_NEW(name) \
    static mp_obj_t name##_new(const mp_obj_type_t *type, size_t count, size_t keywords, const mp_obj_t *all)

/* ---- one number in, one out ---- */

#define FILTER(name)                                                                       \
    static mp_obj_t name##_step(mp_obj_t object, mp_obj_t x) {                             \
        name##_obj *self = alive(object);                                                  \
        self->last.value = balance_##name##_step(&self->handle, number(x));                \
        return mp_obj_new_float((mp_float_t)self->last.value);                             \
    }                                                                                      \
    static MP_DEFINE_CONST_FUN_OBJ_2(name##_step_obj, name##_step);                        \
    static mp_obj_t name##_step_into(mp_obj_t object, mp_obj_t out, mp_obj_t in) {         \
        name##_obj *self = alive(object);                                                  \
        *out_floats(out, 1) = self->last.value =                                           \
            balance_##name##_step(&self->handle, *in_floats(in, 1));                       \
        return mp_const_none;                                                              \
    }                                                                                      \
    static MP_DEFINE_CONST_FUN_OBJ_3(name##_step_into_obj, name##_step_into)

MAKE_NEW(low_pass) {
    float cutoff = 5.0f;
    SETTINGS({MP_QSTR_cutoff_hz, &cutoff});
    NEW(low_pass);
    demand(balance_low_pass_init(&self->handle, cutoff, dt));
    return MP_OBJ_FROM_PTR(self);
}
FILTER(low_pass);

MAKE_NEW(biquad) {
    balance_biquad_config config = balance_biquad_config_default();
    float kind = 0.0f;
    SETTINGS({MP_QSTR_kind, &kind}, {MP_QSTR_frequency_hz, &config.frequency_hz}, {MP_QSTR_q, &config.q},
             {MP_QSTR_gain_db, &config.gain_db});
    config.kind = (int32_t)kind;
    NEW(biquad);
    demand(balance_biquad_init(&self->handle, &config, dt));
    return MP_OBJ_FROM_PTR(self);
}
FILTER(biquad);

/* ---- PID and state feedback ---- */

#define PID_SETTINGS(c)                                                                              \
    {MP_QSTR_kp, &(c).kp}, {MP_QSTR_ki, &(c).ki}, {MP_QSTR_kd, &(c).kd},                             \
        {MP_QSTR_output_min, &(c).output_min}, {MP_QSTR_output_max, &(c).output_max},                \
        {MP_QSTR_setpoint_weight, &(c).setpoint_weight},                                             \
        {MP_QSTR_derivative_cutoff_hz, &(c).derivative_cutoff_hz}, {MP_QSTR_tracking_time, &(c).tracking_time}

MAKE_NEW(pid) {
    balance_pid_config config = balance_pid_config_default();
    SETTINGS(PID_SETTINGS(config));
    NEW(pid);
    demand(balance_pid_init(&self->handle, &config, dt));
    return MP_OBJ_FROM_PTR(self);
}

static mp_obj_t pid_step(mp_obj_t object, mp_obj_t setpoint, mp_obj_t measured) {
    pid_obj *self = alive(object);
    self->last.value = balance_pid_step(&self->handle, number(setpoint), number(measured));
    return mp_obj_new_float((mp_float_t)self->last.value);
}
static MP_DEFINE_CONST_FUN_OBJ_3(pid_step_obj, pid_step);

static mp_obj_t pid_step_into(mp_obj_t object, mp_obj_t out, mp_obj_t in) {
    pid_obj *self = alive(object);
    const float *x = in_floats(in, 2);
    *out_floats(out, 1) = self->last.value = balance_pid_step(&self->handle, x[0], x[1]);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_3(pid_step_into_obj, pid_step_into);

static mp_obj_t pid_reset(mp_obj_t object) {
    demand(balance_pid_reset(&((pid_obj *)alive(object))->handle));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(pid_reset_obj, pid_reset);

MAKE_NEW(state_feedback) {
    float gain[4] = {0}, low = -1.0f, high = 1.0f;
    SETTINGS({MP_QSTR_k1, &gain[0]}, {MP_QSTR_k2, &gain[1]}, {MP_QSTR_k3, &gain[2]}, {MP_QSTR_k4, &gain[3]},
             {MP_QSTR_output_min, &low}, {MP_QSTR_output_max, &high});
    NEW(state_feedback);
    demand(balance_state_feedback_init(&self->handle, &gain, low, high, dt));
    return MP_OBJ_FROM_PTR(self);
}

static mp_obj_t state_feedback_step(size_t count, const mp_obj_t *args) {
    state_feedback_obj *self = alive(args[0]);
    float x[4];
    for (int n = 0; n < 4; n++) {
        x[n] = number(args[1 + n]);
    }
    self->last.value = balance_state_feedback_step(&self->handle, &x);
    return mp_obj_new_float((mp_float_t)self->last.value);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(state_feedback_step_obj, 5, 5, state_feedback_step);

static mp_obj_t state_feedback_step_into(mp_obj_t object, mp_obj_t out, mp_obj_t in) {
    state_feedback_obj *self = alive(object);
    const float(*x)[4] = (const float(*)[4])in_floats(in, 4);
    *out_floats(out, 1) = self->last.value = balance_state_feedback_step(&self->handle, x);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_3(state_feedback_step_into_obj, state_feedback_step_into);

/* ---- tilt of one axis: [rate, accelerometer angle] to [angle, rate, bias] ---- */

#define TILT(name)                                                                                       \
    static mp_obj_t name##_step(mp_obj_t object, mp_obj_t rate, mp_obj_t angle) {                        \
        name##_obj *self = alive(object);                                                                \
        self->last = balance_##name##_step(&self->handle, number_or_none(rate), number_or_none(angle));  \
        return mp_obj_new_float((mp_float_t)self->last.angle);                                           \
    }                                                                                                    \
    static MP_DEFINE_CONST_FUN_OBJ_3(name##_step_obj, name##_step);                                      \
    static mp_obj_t name##_step_into(mp_obj_t object, mp_obj_t out, mp_obj_t in) {                       \
        name##_obj *self = alive(object);                                                                \
        const float *x = in_floats(in, 2);                                                               \
        float *y = out_floats(out, 3);                                                                   \
        self->last = balance_##name##_step(&self->handle, x[0], x[1]);                                   \
        y[0] = self->last.angle;                                                                         \
        y[1] = self->last.rate;                                                                          \
        y[2] = self->last.bias;                                                                          \
        return mp_const_none;                                                                            \
    }                                                                                                    \
    static MP_DEFINE_CONST_FUN_OBJ_3(name##_step_into_obj, name##_step_into);                            \
    static void name##_attr(mp_obj_t object, qstr attr, mp_obj_t *dest) {                                \
        tilt_attr(object, &((name##_obj *)MP_OBJ_TO_PTR(object))->last, attr, dest);                     \
    }

static void tilt_attr(mp_obj_t object, const balance_tilt *last, qstr attr, mp_obj_t *dest) {
    if (dest[0] != MP_OBJ_NULL) {
        return; /* read only */
    }
    const float *value = attr == MP_QSTR_angle ? &last->angle
        : attr == MP_QSTR_rate                 ? &last->rate
        : attr == MP_QSTR_bias                 ? &last->bias
                                               : NULL;
    if (value != NULL) {
        alive(object);
        dest[0] = mp_obj_new_float((mp_float_t)*value);
    } else {
        dest[1] = MP_OBJ_SENTINEL; /* a method */
    }
}

MAKE_NEW(complementary) {
    float time_constant = 1.0f;
    SETTINGS({MP_QSTR_time_constant, &time_constant});
    NEW(complementary);
    demand(balance_complementary_init(&self->handle, time_constant, dt));
    return MP_OBJ_FROM_PTR(self);
}
TILT(complementary)

MAKE_NEW(tilt_kalman) {
    balance_tilt_kalman_config config = balance_tilt_kalman_config_default();
    SETTINGS({MP_QSTR_gyro_noise, &config.gyro_noise}, {MP_QSTR_bias_walk, &config.bias_walk},
             {MP_QSTR_accel_noise, &config.accel_noise}, {MP_QSTR_initial_bias, &config.initial_bias});
    NEW(tilt_kalman);
    demand(balance_tilt_kalman_init(&self->handle, &config, dt));
    return MP_OBJ_FROM_PTR(self);
}
TILT(tilt_kalman)

/* ---- attitude: [gyro 3, accel 3 (, mag 3)] to [w, x, y, z, roll, pitch, yaw] ---- */

static const float (*triple(mp_obj_t object, float *place))[3] {
    if (object == mp_const_none) {
        return NULL;
    }
    mp_obj_t *items;
    mp_obj_get_array_fixed_n(object, 3, &items);
    for (int n = 0; n < 3; n++) {
        place[n] = number(items[n]);
    }
    return (const float(*)[3])place;
}

#define ATTITUDE(name)                                                                                     \
    static mp_obj_t name##_step(size_t count, const mp_obj_t *args) {                                      \
        name##_obj *self = alive(args[0]);                                                                 \
        float gyro[3], accel[3], mag[3];                                                                   \
        const float(*g)[3] = triple(args[1], gyro);                                                        \
        if (g == NULL) {                                                                                   \
            mp_raise_TypeError(MP_ERROR_TEXT("a rate is wanted"));                                         \
        }                                                                                                  \
        self->last = balance_##name##_step(&self->handle, g, triple(args[2], accel),                       \
                                           count > 3 ? triple(args[3], mag) : NULL);                       \
        return tuple(&self->last.w, 4);                                                                    \
    }                                                                                                      \
    static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(name##_step_obj, 3, 4, name##_step);                        \
    static mp_obj_t name##_step_into(mp_obj_t object, mp_obj_t out, mp_obj_t in) {                         \
        name##_obj *self = alive(object);                                                                  \
        mp_buffer_info_t buffer;                                                                           \
        const float *x = in_floats(in, 6);                                                                 \
        mp_get_buffer_raise(in, &buffer, MP_BUFFER_READ);                                                  \
        const float(*mag)[3] = buffer.len >= 36 ? (const float(*)[3])(x + 6) : NULL;                       \
        float *y = out_floats(out, 7);                                                                     \
        self->last = balance_##name##_step(&self->handle, (const float(*)[3])x, (const float(*)[3])(x + 3), mag); \
        memcpy(y, &self->last.w, 7 * sizeof(float));                                                       \
        return mp_const_none;                                                                              \
    }                                                                                                      \
    static MP_DEFINE_CONST_FUN_OBJ_3(name##_step_into_obj, name##_step_into);                              \
    static void name##_attr(mp_obj_t object, qstr attr, mp_obj_t *dest) {                                  \
        attitude_attr(object, &((name##_obj *)MP_OBJ_TO_PTR(object))->last, attr, dest);                   \
    }

static void attitude_attr(mp_obj_t object, const balance_attitude *last, qstr attr, mp_obj_t *dest) {
    if (dest[0] != MP_OBJ_NULL) {
        return; /* read only */
    }
    const float *value = attr == MP_QSTR_roll ? &last->roll
        : attr == MP_QSTR_pitch               ? &last->pitch
        : attr == MP_QSTR_yaw                 ? &last->yaw
                                              : NULL;
    if (value != NULL) {
        alive(object);
        dest[0] = mp_obj_new_float((mp_float_t)*value);
    } else if (attr == MP_QSTR_quaternion) {
        alive(object);
        dest[0] = tuple(&last->w, 4);
    } else if (attr == MP_QSTR_bias) {
        alive(object);
        dest[0] = tuple(last->gyro_bias, 3);
    } else {
        dest[1] = MP_OBJ_SENTINEL; /* a method */
    }
}

MAKE_NEW(mahony) {
    balance_mahony_config config = balance_mahony_config_default();
    SETTINGS({MP_QSTR_kp, &config.proportional_gain}, {MP_QSTR_ki, &config.integral_gain});
    NEW(mahony);
    demand(balance_mahony_init(&self->handle, &config, dt));
    return MP_OBJ_FROM_PTR(self);
}
ATTITUDE(mahony)

MAKE_NEW(madgwick) {
    float gain = 0.1f;
    SETTINGS({MP_QSTR_gain, &gain});
    NEW(madgwick);
    demand(balance_madgwick_init(&self->handle, gain, dt));
    return MP_OBJ_FROM_PTR(self);
}
ATTITUDE(madgwick)

MAKE_NEW(basic_vqf) {
    float accel = 3.0f, mag = 9.0f;
    SETTINGS({MP_QSTR_accel_time_constant, &accel}, {MP_QSTR_mag_time_constant, &mag});
    NEW(basic_vqf);
    demand(balance_basic_vqf_init(&self->handle, accel, mag, dt));
    return MP_OBJ_FROM_PTR(self);
}
ATTITUDE(basic_vqf)

MAKE_NEW(vqf) {
    float dt = settings(count, keywords, all, NULL, 0);
    NEW(vqf);
    demand(balance_vqf_init(&self->handle, dt));
    return MP_OBJ_FROM_PTR(self);
}
ATTITUDE(vqf)

/* ---- the robot ---- */

typedef struct {
    mp_obj_base_t base;
    bool alive;
    bool started;
    uint32_t ticks;
    uint64_t now_us;
    balance_robot_config config;
    balance_robot_f32 robot;
    balance_robot_outputs last;
} robot_obj;

/* time.ticks_us() counts in 30 bits. */
#define TICKS_MASK 0x3fffffff

static void robot_build(robot_obj *self) { demand(balance_robot_f32_init(&self->robot, &self->config)); }

static mp_obj_t robot_new(const mp_obj_type_t *type, size_t count, size_t keywords, const mp_obj_t *all) {
    mp_arg_check_num(count, keywords, 0, 1, false);
    static const char *const names[] = {"pico_kit", "balboa_32u4", "nxtway_gs"};
    int preset = 0;
    if (count == 1) {
        const char *name = mp_obj_str_get_str(all[0]);
        for (preset = 2; preset >= 0 && strcmp(names[preset], name) != 0; preset--) {
        }
        if (preset < 0) {
            mp_raise_ValueError(MP_ERROR_TEXT("pico_kit, balboa_32u4 or nxtway_gs"));
        }
    }
    robot_obj *self = mp_obj_malloc(robot_obj, type);
    self->alive = true;
    self->started = false;
    self->ticks = 0;
    self->now_us = 0;
    memset(&self->last, 0, sizeof self->last);
    demand(balance_robot_config_init(&self->config, preset));
    robot_build(self);
    return MP_OBJ_FROM_PTR(self);
}

static mp_obj_t robot_set(mp_obj_t object, mp_obj_t name, mp_obj_t value) {
    robot_obj *self = alive(object);
    if (self->last.state != 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("disarm the robot first"));
    }
    demand(balance_robot_config_set(&self->config, mp_obj_str_get_str(name), number(value)));
    robot_build(self);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_3(robot_set_obj, robot_set);

static mp_obj_t robot_get(mp_obj_t object, mp_obj_t name) {
    robot_obj *self = alive(object);
    float value = 0.0f;
    demand(balance_robot_config_get(&self->config, mp_obj_str_get_str(name), &value));
    return mp_obj_new_float((mp_float_t)value);
}
static MP_DEFINE_CONST_FUN_OBJ_2(robot_get_obj, robot_get);

/* tick(out, ticks_us, imu, ints, command): out gets [left, right, pitch, pitch_rate, speed, position], the
 * return value is the state. `imu` are the 14 bytes of an MPU-6050, or None; ints are [left count, right
 * count, battery mV, arm]; command is [speed, turn]. */
static mp_obj_t robot_tick(size_t count, const mp_obj_t *args) {
    robot_obj *self = alive(args[0]);
    float *out = out_floats(args[1], 6);
    uint32_t ticks = (uint32_t)mp_obj_get_int_truncated(args[2]) & TICKS_MASK;
    if (self->started) {
        self->now_us += (ticks - self->ticks) & TICKS_MASK;
    }
    self->started = true;
    self->ticks = ticks;
    balance_robot_inputs in = {.now_us = self->now_us, .encoders_ok = true};
    if (args[3] != mp_const_none) {
        mp_buffer_info_t buffer;
        mp_get_buffer_raise(args[3], &buffer, MP_BUFFER_READ);
        if (buffer.len < 14) {
            mp_raise_ValueError(MP_ERROR_TEXT("14 bytes are wanted"));
        }
        const uint8_t *bytes = buffer.buf;
        for (int n = 0; n < 3; n++) {
            in.accel[n] = (int16_t)(bytes[2 * n] << 8 | bytes[2 * n + 1]);
            in.gyro[n] = (int16_t)(bytes[8 + 2 * n] << 8 | bytes[9 + 2 * n]);
        }
        in.imu_ok = true;
    }
    const int32_t *ints = numbers(args[4], 'i', 4, MP_BUFFER_READ);
    const float *command = in_floats(args[5], 2);
    in.encoders[0] = ints[0];
    in.encoders[1] = ints[1];
    in.battery_mv = ints[2];
    in.arm = ints[3] != 0;
    in.speed = command[0];
    in.turn = command[1];
    self->last = balance_robot_f32_tick(&self->robot, &in);
    const balance_robot_outputs *last = &self->last;
    const float answer[6] = {last->left, last->right, last->pitch, last->pitch_rate, last->speed, last->position};
    memcpy(out, answer, sizeof answer);
    return MP_OBJ_NEW_SMALL_INT(last->state);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(robot_tick_obj, 6, 6, robot_tick);

static mp_obj_t robot_stop(mp_obj_t object) {
    const char *text = balance_robot_stop_text(((robot_obj *)alive(object))->last.stop);
    return mp_obj_new_str(text, strlen(text));
}
static MP_DEFINE_CONST_FUN_OBJ_1(robot_stop_obj, robot_stop);

/* ---- classes and module ---- */

#define METHODS(name, ...)                                                    \
    static const mp_rom_map_elem_t name##_methods[] = {                       \
        {MP_ROM_QSTR(MP_QSTR_deinit), MP_ROM_PTR(&deinit_obj)}, __VA_ARGS__}; \
    static MP_DEFINE_CONST_DICT(name##_dict, name##_methods)
#define STEPS(name)                                                  \
    {MP_ROM_QSTR(MP_QSTR_step), MP_ROM_PTR(&name##_step_obj)},       \
    {MP_ROM_QSTR(MP_QSTR_step_into), MP_ROM_PTR(&name##_step_into_obj)}
#define PLAIN(name, title)       \
    METHODS(name, STEPS(name));  \
    static MP_DEFINE_CONST_OBJ_TYPE(name##_type, MP_QSTR_##title, MP_TYPE_FLAG_NONE, make_new, name##_new, locals_dict, &name##_dict)
#define READABLE(name, title)    \
    METHODS(name, STEPS(name));  \
    static MP_DEFINE_CONST_OBJ_TYPE(name##_type, MP_QSTR_##title, MP_TYPE_FLAG_NONE, make_new, name##_new, attr, name##_attr, locals_dict, &name##_dict)

METHODS(pid, STEPS(pid), {MP_ROM_QSTR(MP_QSTR_reset), MP_ROM_PTR(&pid_reset_obj)});
static MP_DEFINE_CONST_OBJ_TYPE(pid_type, MP_QSTR_PID, MP_TYPE_FLAG_NONE, make_new, pid_new, locals_dict, &pid_dict);
PLAIN(low_pass, LowPass);
PLAIN(biquad, Biquad);
PLAIN(state_feedback, LQR);
READABLE(complementary, Complementary);
READABLE(tilt_kalman, TiltKalman);
READABLE(mahony, Mahony);
READABLE(madgwick, Madgwick);
READABLE(basic_vqf, BasicVQF);
READABLE(vqf, VQF);
METHODS(robot, {MP_ROM_QSTR(MP_QSTR_set), MP_ROM_PTR(&robot_set_obj)},
        {MP_ROM_QSTR(MP_QSTR_get), MP_ROM_PTR(&robot_get_obj)},
        {MP_ROM_QSTR(MP_QSTR_tick), MP_ROM_PTR(&robot_tick_obj)},
        {MP_ROM_QSTR(MP_QSTR_stop), MP_ROM_PTR(&robot_stop_obj)});
static MP_DEFINE_CONST_OBJ_TYPE(robot_type, MP_QSTR_Robot, MP_TYPE_FLAG_NONE, make_new, robot_new, locals_dict, &robot_dict);

#define TYPE(title, name) {MP_ROM_QSTR(MP_QSTR_##title), MP_ROM_PTR(&name##_type)}
static const mp_rom_map_elem_t balance_globals[] = {
    {MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_balance)},
    TYPE(PID, pid),
    TYPE(LowPass, low_pass),
    TYPE(Biquad, biquad),
    TYPE(LQR, state_feedback),
    TYPE(Complementary, complementary),
    TYPE(TiltKalman, tilt_kalman),
    TYPE(Mahony, mahony),
    TYPE(Madgwick, madgwick),
    TYPE(BasicVQF, basic_vqf),
    TYPE(VQF, vqf),
    TYPE(Robot, robot),
    {MP_ROM_QSTR(MP_QSTR_LOW), MP_ROM_INT(BALANCE_BIQUAD_LOW)},
    {MP_ROM_QSTR(MP_QSTR_HIGH), MP_ROM_INT(BALANCE_BIQUAD_HIGH)},
    {MP_ROM_QSTR(MP_QSTR_BAND), MP_ROM_INT(BALANCE_BIQUAD_BAND)},
    {MP_ROM_QSTR(MP_QSTR_NOTCH), MP_ROM_INT(BALANCE_BIQUAD_NOTCH)},
    {MP_ROM_QSTR(MP_QSTR_BALANCING), MP_ROM_INT(3)},
};
static MP_DEFINE_CONST_DICT(balance_dict, balance_globals);

const mp_obj_module_t balance_module = {
    .base = {&mp_type_module},
    .globals = (mp_obj_dict_t *)&balance_dict,
};
MP_REGISTER_MODULE(MP_QSTR_balance, balance_module);
