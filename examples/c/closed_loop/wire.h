/* What the simulator and this processor tell each other: examples/processor/src/wire.rs, in C. The
 * processor is little-endian, as the records are. */
#ifndef WIRE_H
#define WIRE_H

#include <stdint.h>

/* Bits of `request.flags`. */
enum { WIRE_IMU = 1, WIRE_ENCODERS = 2, WIRE_BATTERY = 4, WIRE_ARM = 8 };
/* Number types, as numbers in `begin.scalar` and as bits in the greeting. */
enum { WIRE_F32 = 0, WIRE_F64 = 1, WIRE_FIXED = 2 };

typedef struct {
    uint8_t version, robot, scalar, reserved;
} wire_begin;

typedef struct {
    uint64_t now_us;
    double speed, turn;
    int32_t encoders[2];
    int16_t accel[3], gyro[3];
    uint16_t battery_mv;
    uint8_t flags, count;
} wire_request;

typedef struct {
    double left, right, pitch, pitch_rate, position, speed;
    uint8_t state, stop, motors, count;
    uint32_t cost;
} wire_answer;

_Static_assert(sizeof(wire_begin) == 4 && sizeof(wire_request) == 48 && sizeof(wire_answer) == 56,
               "the records have holes");

#endif
