# Behind a step: what a call of it costs, mean and largest, and how much of that is the garbage collector's.
# On a board the clock is time.ticks_us(); under `qemu -M mps2-an385 -icount shift=8` it counts instructions.
import gc

try:
    import time

    UNIT = "us"
    clock = time.ticks_us

    def since(start):
        return time.ticks_diff(time.ticks_us(), start)
except (ImportError, AttributeError):
    import machine

    UNIT = "instructions"
    machine.mem32[0xE000E014], machine.mem32[0xE000E018], machine.mem32[0xE000E010] = 0xFFFFFF, 0, 5

    def clock():
        return machine.mem32[0xE000E018]

    # An instruction takes 256 ns there, a tick of SysTick 40 ns.
    def since(start):
        return ((start - machine.mem32[0xE000E018]) & 0xFFFFFF) * 5 // 32


def nothing(imu):
    pass


def sample(n):
    imu = bytearray(14)
    for at, value in ((0, 3 * (n % 5)), (2, 40 * (n % 17) - 320), (4, 8192 + n % 3), (8, 9 * (n % 13) - 54)):
        imu[at], imu[at + 1] = (value >> 8) & 255, value & 255
    return imu


def measure(call, samples, rounds):
    total = most = 0
    for _ in range(rounds):
        for imu in samples:
            start = clock()
            call(imu)
            cost = since(start)
            total += cost
            most = max(most, cost)
    return total // (rounds * len(samples)), most


samples = [sample(n) for n in range(65)]
measure(step, samples, 50)  # a robot is armed and calibrated by then
empty, _ = measure(nothing, samples, 5)
gc.collect()
gc.disable()
used = gc.mem_alloc()
for imu in samples:
    step(imu)
used = (gc.mem_alloc() - used) // len(samples)
mean, most = measure(step, samples, 1)
gc.enable()
_, worst = measure(step, samples, 60)
print("%d %s, at most %d; with the garbage collector at most %d; allocates %d bytes" %
      (mean - empty, UNIT, most - empty, worst - empty, used))
