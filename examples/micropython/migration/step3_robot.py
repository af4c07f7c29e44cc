# The loop is native: one call from the sensor's bytes to both duties, with arming, calibration, state
# feedback, and a supervisor that switches off. It allocates nothing: a hard timer interrupt may call it.
from array import array

import balance

robot = balance.Robot("pico_kit")
out = array("f", [0.0] * 6)  # duties left and right, pitch, pitch rate, speed, position
ints = array("i", [0, 0, 11100, 1])  # counts left and right, battery in mV, arm
command = array("f", [0.0, 0.0])  # speed, turn
now = 0


def step(imu):
    global now
    now += 1000  # on a board: time.ticks_us()
    return robot.tick(out, now, imu, ints, command)
