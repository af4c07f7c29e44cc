# The robot of step 3 in a closed loop: `balance-sim processor --machine process` hands over what the
# sensors read, millisecond by millisecond, and this answers what the motors get. The records are those of
# ../../processor/src/wire.rs.
import struct
import sys
from array import array

import balance

STOPS = ("none", "not armed", "moving", "tilted at start", "tilt", "sensor stale", "sensor frozen",
         "sensor saturated", "sensor implausible", "encoder", "runaway", "overrun", "low battery")
ROBOTS = ("pico_kit", "balboa_32u4", "nxtway_gs")
source, sink = sys.stdin.buffer, sys.stdout.buffer

sink.write(b"balance\x01")  # f32 only
begin = source.read(4)
robot = balance.Robot(ROBOTS[begin[1]])
out, command = array("f", [0.0] * 6), array("f", [0.0] * 2)
ints, imu = array("i", [0, 0, 0, 0]), bytearray(14)
last = None
while True:
    request = source.read(48)
    if len(request) < 48:
        break
    now, command[0], command[1], ints[0], ints[1], *axes, battery, flags, count = struct.unpack("<Qddii6hHBB", request)
    struct.pack_into(">3hh3h", imu, 0, axes[0], axes[1], axes[2], 0, axes[3], axes[4], axes[5])
    ints[2] = battery if flags & 4 else -1
    ints[3] = 1 if flags & 8 else 0
    state = robot.tick(out, now & 0x3FFFFFFF, imu if flags & 1 else None, ints, command)
    left, right, pitch, rate, speed, position = out
    # The motors coast in the tick in which balancing begins.
    motors = 3 if state == last == balance.BALANCING else 0
    last = state
    sink.write(struct.pack("<6d4BI", left, right, pitch, rate, position, speed, state,
                           STOPS.index(robot.stop()), motors, count, 0))
    if hasattr(sink, "flush"):
        sink.flush()
