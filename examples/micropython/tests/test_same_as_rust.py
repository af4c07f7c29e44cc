# Behind the dictionary `expected` that ../trace prints: the same inputs give the same bits as in Rust.
from array import array

import balance

DT = 1.0 / 1024.0
STEPS = 300
failures = 0


class Chance:
    def __init__(self):
        self.last = 1

    def draw(self):
        self.last = (self.last * 75 + 74) % 65537
        return self.last - 32768


def add(sums, numbers):
    one, two = sums
    for byte in bytes(numbers):
        one = (one * 31 + byte) & 0x3FFFFF
        two = (two * 37 + byte) & 0x3FFFFF
    return one, two


def check(name, sums):
    global failures
    if expected[name] != sums:
        failures += 1
        print("not as in Rust:", name, sums, expected[name])


def run(name, algorithm, inputs, out, told=None):
    x = array("f", [0.0] * len(inputs))
    y = array("f", [0.0] * out)
    chance, sums = Chance(), (0, 0)
    for tick in range(STEPS):
        for n, (size, offset) in enumerate(inputs):
            x[n] = offset + chance.draw() * (size / 32768.0)
        if tick % 50 == 49:
            x[0] = float("nan")
        algorithm.step_into(y, x)
        sums = add(sums, y[:told] if told else y)
    check(name, sums)


one, tilt = (1.0, 0.0), ((1.0, 0.0), (0.25, 0.0))
body = ((0.5, 0.0),) * 3 + ((2.0, 0.0), (2.0, 0.0), (2.0, 8.0))
run(
    "PID",
    balance.PID(dt=DT, kp=8.0, ki=2.0, kd=0.5, output_min=-12.0, output_max=12.0, derivative_cutoff_hz=32.0),
    (one, one),
    1,
)
run("LowPass", balance.LowPass(dt=DT, cutoff_hz=16.0), (one,), 1)
run("Biquad", balance.Biquad(dt=DT, kind=balance.NOTCH, frequency_hz=85.0, q=2.0), (one,), 1)
run("LQR", balance.LQR(dt=DT, k1=1.0, k2=2.0, k3=3.0, k4=4.0, output_min=-4.0, output_max=4.0), (one,) * 4, 1)
run("Complementary", balance.Complementary(dt=DT, time_constant=0.5), tilt, 3)
run("TiltKalman", balance.TiltKalman(dt=DT), tilt, 3)
run("Mahony", balance.Mahony(dt=DT), body, 7, 4)
run("Madgwick", balance.Madgwick(dt=DT, gain=0.125), body, 7, 4)
run("BasicVQF", balance.BasicVQF(dt=DT), body, 7, 4)
run("VQF", balance.VQF(dt=DT), body, 7, 4)

# The robot: lies still, is armed, stands, drives, loses its sensor.
robot = balance.Robot("pico_kit")
out, imu = array("f", [0.0] * 6), bytearray(14)
ints, command = array("i", [0, 0, 11100, 0]), array("f", [0.125, 0.0])
chance, sums, states = Chance(), (0, 0), 0
for tick in range(4000):
    for at, offset in ((0, 0), (2, 0), (4, 8192), (8, 0), (10, 0), (12, 0)):
        word = offset + (chance.draw() >> 12)
        imu[at], imu[at + 1] = (word >> 8) & 255, word & 255
    ints[0] += (chance.draw() >> 14) + 1
    ints[1] = ints[0]
    ints[3] = tick >= 100
    states |= 1 << robot.tick(out, 1000 * tick, imu if tick < 3800 else None, ints, command)
    if tick % 4 == 0:
        sums = add(sums, out)
check("Robot", sums)
check("states", (states, 0))

print("%d failed" % failures if failures else "every bit as in Rust")
if failures:
    raise SystemExit(1)
