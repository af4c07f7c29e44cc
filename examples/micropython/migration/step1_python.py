# The weekend's robot: everything in Python. Fourteen bytes of an MPU-6050 in, direction and duty out.
import math

DT = 0.001
KP, KI, KD = 15.0, 80.0, 0.6  # percent per degree, per degree and second, per degree a second

angle = integral = 0.0


def word(data, at):
    value = data[at] << 8 | data[at + 1]
    return value - 65536 if value & 0x8000 else value


def step(imu):
    global angle, integral
    accel_angle = math.degrees(math.atan2(word(imu, 2), word(imu, 4)))
    rate = word(imu, 8) / 131.0
    before = angle
    angle = 0.98 * (angle + rate * DT) + 0.02 * accel_angle
    error = 0.0 - angle
    integral = max(-100.0, min(100.0, integral + KI * error * DT))
    out = KP * error + integral - KD * (angle - before) / DT
    out = max(-100.0, min(100.0, out))
    return out < 0, int(abs(out) * 655.35)
