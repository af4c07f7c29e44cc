# The module inside a real MicroPython: what it computes, what it refuses, and that it allocates nothing.
import gc
import math
from array import array

import balance

failures = 0


def check(what, name):
    global failures
    if not what:
        failures += 1
        print("failed:", name)


def refused(kind, words, call):
    try:
        call()
    except kind as error:
        check(words in str(error), "%s: %s" % (words, error))
        return
    check(False, "not refused: " + words)


# --- what it computes ---
pid = balance.PID(dt=0.001, kp=8.0, ki=2.0, output_min=-12.0, output_max=12.0)
check(abs(pid.step(0.1, 0.05) - 0.4001) < 1e-5, "pid")
held = pid.step(0.1, 0.05)
check(pid.step(float("nan"), 0.0) == held, "a NaN holds the output")
for _ in range(5000):
    u = pid.step(100.0, 0.0)
check(u == 12.0 and pid.step(-1.0, 0.0) < 0.0, "no windup")

low = balance.LowPass(dt=0.001, cutoff_hz=10.0)
low.step(3.0)
check(abs(low.step(4.0) - 3.0609) < 1e-4, "low-pass")
notch = balance.Biquad(dt=0.001, kind=balance.NOTCH, frequency_hz=85.0, q=2.0)
loud = 0.0
for n in range(500):
    y = notch.step(math.sin(2 * math.pi * 85.0 * 0.001 * n))
    if n > 300:
        loud = max(loud, abs(y))
check(loud < 1e-2, "notch")
lqr = balance.LQR(dt=0.001, k1=1.0, k2=2.0, k3=3.0, k4=4.0, output_min=-9.0, output_max=9.0)
check(lqr.step(1.0, 1.0, -1.0, 0.5) == -2.0, "lqr")

kalman = balance.TiltKalman(dt=0.001)
complementary = balance.Complementary(dt=0.001, time_constant=0.5)
for n in range(20000):
    kalman.step(0.03, None if n % 7 == 0 else 0.2)
    complementary.step(0.0, 0.2)
check(abs(kalman.angle - 0.2) < 5e-3 and abs(kalman.bias - 0.03) < 5e-3, "tilt Kalman")
check(abs(complementary.angle - 0.2) < 1e-3, "complementary")

still, tilted = (0.0, 0.0, 0.0), (0.0, 4.903, 8.493)
for kind in (balance.Mahony, balance.Madgwick, balance.BasicVQF, balance.VQF):
    attitude = kind(dt=0.01)
    for n in range(500):
        attitude.step((float("nan"), 0.0, 0.0) if n == 50 else still, None if n == 60 else tilted)
    check(abs(attitude.roll - math.pi / 6) < 2e-3 and abs(attitude.pitch) < 1e-3, "attitude")
    check(abs(sum(c * c for c in attitude.quaternion) - 1.0) < 1e-5, "unit quaternion")

robot = balance.Robot("pico_kit")
robot.set("balance.pitch", -27.0)
check(robot.get("balance.pitch") == -27.0, "parameters by name")
out, ints, command = array("f", [0.0] * 6), array("i", [0, 0, 11100, 1]), array("f", [0.0, 0.0])
imu = bytearray(14)
for n in range(4000):
    imu[4], imu[5] = (8192 + n % 3) >> 8, (8192 + n % 3) & 255
    imu[11] = n % 2
    # The clock of time.ticks_us() wraps at 30 bits: in the middle of this.
    state = robot.tick(out, (0x3FFFFFFF - 2000000 + 1000 * n) & 0x3FFFFFFF, imu, ints, command)
check(state == balance.BALANCING, "the robot balances")
for n in range(4000, 4200):
    state = robot.tick(out, (0x3FFFFFFF - 2000000 + 1000 * n) & 0x3FFFFFFF, None, ints, command)
check(state == 5 and out[0] == 0.0 and robot.stop() == "sensor stale", "a silent sensor stops it")

# --- what it refuses ---
refused(TypeError, "dt is wanted", lambda: balance.PID(kp=1.0))
refused(TypeError, "no argument", lambda: balance.PID(dt=0.001, kpp=1.0))
refused(TypeError, "", lambda: balance.PID(0.001))
refused(ValueError, "range", lambda: balance.PID(dt=0.0))
refused(ValueError, "not finite", lambda: balance.PID(dt=0.001, kp=float("nan")))
refused(ValueError, "order", lambda: balance.PID(dt=0.001, output_min=2.0))
refused(ValueError, "range", lambda: balance.LowPass(dt=0.001, cutoff_hz=-1.0))
refused(ValueError, "no such", lambda: balance.Biquad(dt=0.001, kind=99))
refused(TypeError, "", lambda: pid.step("a", 0.0))
refused(TypeError, "", lambda: attitude.step(None, tilted))
refused(ValueError, "", lambda: attitude.step((0.0, 0.0), tilted))
refused(TypeError, "array('f')", lambda: pid.step_into(array("i", [0]), array("f", [0.0, 0.0])))
refused(ValueError, "array of 2", lambda: pid.step_into(array("f", [0.0]), array("f", [0.0])))
refused(ValueError, "array of 7", lambda: attitude.step_into(array("f", [0.0] * 4), array("f", [0.0] * 6)))
refused(TypeError, "", lambda: pid.step_into(b"12345678", array("f", [0.0, 0.0])))
refused(ValueError, "14 bytes", lambda: robot.tick(out, 0, bytearray(13), ints, command))
refused(ValueError, "pico_kit", lambda: balance.Robot("r2d2"))
refused(ValueError, "no such", lambda: robot.get("balance.pich"))
fresh = balance.Robot()
refused(ValueError, "range", lambda: fresh.set("balance.pitch", float("inf")))
refused(ValueError, "disarm", lambda: robot.set("balance.pitch", -20.0))
gone = balance.VQF(dt=0.01)
gone.deinit()
refused(ValueError, "deinit", lambda: gone.step(still, tilted))
refused(ValueError, "deinit", lambda: gone.pitch)

# --- nothing is allocated, so that a hard interrupt may call it ---
one, two, six, nine = (array("f", [0.0] * n) for n in (1, 2, 6, 9))
three, four, seven = (array("f", [0.0] * n) for n in (3, 4, 7))
calls = (
    (pid.step_into, (one, two)),
    (low.step_into, (one, one)),
    (notch.step_into, (one, one)),
    (lqr.step_into, (one, four)),
    (kalman.step_into, (three, two)),
    (complementary.step_into, (three, two)),
    (attitude.step_into, (seven, nine)),
)
for function, (result, values) in calls:
    function(result, values)
gc.collect()
gc.disable()
before = gc.mem_alloc()
pid_step, kalman_step, attitude_step, tick = pid.step_into, kalman.step_into, attitude.step_into, robot.tick
used = gc.mem_alloc()
n = 0
while n < 1000:
    pid_step(one, two)
    kalman_step(three, two)
    attitude_step(seven, six)
    tick(out, n, imu, ints, command)
    n += 1
check(gc.mem_alloc() == used, "allocates %d bytes" % (gc.mem_alloc() - used))
gc.enable()

print("%d failed" % failures if failures else "the module works")
if failures:
    raise SystemExit(1)
