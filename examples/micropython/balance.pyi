"""Filters, controllers and the robot of balance-core. SI units and radians; `None` or NaN: missing."""
from array import array
from typing import Optional, Sequence, Tuple

LOW: int
HIGH: int
BAND: int
NOTCH: int
BALANCING: int

class PID:
    """PID with anti-windup; a NaN holds the last output."""
    def __init__(self, *, dt: float, kp: float = 1.0, ki: float = 0.0, kd: float = 0.0, output_min: float = -1.0,
                 output_max: float = 1.0, setpoint_weight: float = 1.0, derivative_cutoff_hz: float = 0.0,
                 tracking_time: float = 0.0) -> None: ...
    def step(self, setpoint: float, measured: float) -> float: ...
    def step_into(self, out: array, values: array) -> None:
        """out: 1 float; values: setpoint, measured. Allocates nothing."""
    def reset(self) -> None: ...
    def deinit(self) -> None: ...

class LQR:
    """u = -(k1 x1 + k2 x2 + k3 x3 + k4 x4), within limits."""
    def __init__(self, *, dt: float, k1: float = 0.0, k2: float = 0.0, k3: float = 0.0, k4: float = 0.0,
                 output_min: float = -1.0, output_max: float = 1.0) -> None: ...
    def step(self, x1: float, x2: float, x3: float, x4: float) -> float: ...
    def step_into(self, out: array, values: array) -> None: ...
    def deinit(self) -> None: ...

class LowPass:
    def __init__(self, *, dt: float, cutoff_hz: float = 5.0) -> None: ...
    def step(self, x: float) -> float: ...
    def step_into(self, out: array, values: array) -> None: ...
    def deinit(self) -> None: ...

class Biquad:
    def __init__(self, *, dt: float, kind: int = 0, frequency_hz: float = 10.0, q: float = 0.7071,
                 gain_db: float = 0.0) -> None: ...
    def step(self, x: float) -> float: ...
    def step_into(self, out: array, values: array) -> None: ...
    def deinit(self) -> None: ...

class _Tilt:
    angle: float
    rate: float
    bias: float
    def step(self, rate: Optional[float], accel_angle: Optional[float]) -> float:
        """The angle, in rad."""
    def step_into(self, out: array, values: array) -> None:
        """out: angle, rate, bias; values: rate, accelerometer angle. Allocates nothing."""
    def deinit(self) -> None: ...

class Complementary(_Tilt):
    def __init__(self, *, dt: float, time_constant: float = 1.0) -> None: ...

class TiltKalman(_Tilt):
    def __init__(self, *, dt: float, gyro_noise: float = ..., bias_walk: float = ..., accel_noise: float = ...,
                 initial_bias: float = ...) -> None: ...

class _Attitude:
    roll: float
    pitch: float
    yaw: float
    quaternion: Tuple[float, float, float, float]
    bias: Tuple[float, float, float]
    def step(self, gyro: Sequence[float], accel: Optional[Sequence[float]],
             mag: Optional[Sequence[float]] = None) -> Tuple[float, float, float, float]:
        """The quaternion, scalar first, from the body to the world."""
    def step_into(self, out: array, values: array) -> None:
        """out: w, x, y, z, roll, pitch, yaw; values: gyro, accel (, mag). Allocates nothing."""
    def deinit(self) -> None: ...

class Mahony(_Attitude):
    def __init__(self, *, dt: float, kp: float = ..., ki: float = ...) -> None: ...

class Madgwick(_Attitude):
    def __init__(self, *, dt: float, gain: float = 0.1) -> None: ...

class BasicVQF(_Attitude):
    def __init__(self, *, dt: float, accel_time_constant: float = 3.0, mag_time_constant: float = 9.0) -> None: ...

class VQF(_Attitude):
    def __init__(self, *, dt: float) -> None: ...

class Robot:
    """A whole balancing robot: pico_kit, balboa_32u4 or nxtway_gs, and then your own numbers."""
    def __init__(self, preset: str = "pico_kit") -> None: ...
    def set(self, name: str, value: float) -> None: ...
    def get(self, name: str) -> float: ...
    def tick(self, out: array, ticks_us: int, imu: Optional[bytearray], ints: array, command: array) -> int:
        """out: left and right duty, pitch, pitch rate, speed, position. imu: 14 bytes of an MPU-6050. ints: left
        and right count, battery in mV, arm. command: speed, turn. The state: 0 disarmed, 1 calibrating, 2 ready,
        3 balancing, 4 fallen, 5 faulted. Allocates nothing."""
    def stop(self) -> str:
        """Why it is not balancing."""
    def deinit(self) -> None: ...
