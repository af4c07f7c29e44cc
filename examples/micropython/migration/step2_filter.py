# The same robot with its filter and its controller from the module: less to get wrong, a NaN from a
# loose wire no longer stays for ever, and half of the work is gone.
import math

import balance

tilt = balance.Complementary(dt=0.001, time_constant=0.049)  # 0.98 = 0.049 / (0.049 + 0.001)
pid = balance.PID(dt=0.001, kp=859.0, ki=4584.0, kd=34.4, output_min=-100.0, output_max=100.0)  # per radian
RADIANS = math.pi / 180.0 / 131.0


def word(data, at):
    value = data[at] << 8 | data[at + 1]
    return value - 65536 if value & 0x8000 else value


def step(imu):
    rate = word(imu, 8) * RADIANS
    out = pid.step(0.0, tilt.step(rate, math.atan2(word(imu, 2), word(imu, 4))))
    return out < 0, int(abs(out) * 655.35)
