//! PID against an independent simulation in closed loop with a motor.
//!
//! Provenance: the six `pid` cases of the project's control oracles (numpy 2.4.6, a direct
//! transcription of the textbook difference equations; the linear cases agree with python-control
//! 0.10.2's transfer functions to 1e-9). Plant: `y[k+1] = a y[k] + b u[k]`, gain 1.8, 0.12 s,
//! period 10 ms; setpoint 1 from k = 0; every tenth of 200 samples. Controller: kp 1.2, ki 6,
//! kd 0.02, derivative pole at 50 rad/s.

// In a test an unwrap is an assertion.
#![allow(clippy::unwrap_used)]

use balance_core::control::pid::{AntiWindup, Pid, PidConfig};
use balance_core::math::{Float, Q12, Q16, Scalar};

const A: f64 = 0.9200444146293232;
const B: f64 = 0.14392005366721827;

/// `(y, u)`.
const BACKWARD: [(f64, f64); 20] = [
    (0.0, 1.26),
    (0.732107195089, 0.587206386944),
    (0.891994934933, 0.551613670013),
    (0.945657200438, 0.547138497687),
    (0.968470638629, 0.548669002509),
    (0.980403358382, 0.55073450043),
    (0.987468035059, 0.552336206758),
    (0.991897161548, 0.553440619977),
    (0.994739189429, 0.554174332936),
    (0.996579126623, 0.554655455499),
    (0.99777428655, 0.554969455719),
    (0.998551584176, 0.555174029239),
    (0.999057348386, 0.555307225024),
    (0.999386489889, 0.55539392694),
    (0.999600702238, 0.555450359387),
    (0.999740119469, 0.555487088886),
    (0.999830858083, 0.555510994282),
    (0.999889914787, 0.55552655304),
    (0.999928351548, 0.555536679397),
    (0.999953367932, 0.555543270093),
];
/// `(y, u)`.
const TUSTIN: [(f64, f64); 20] = [
    (0.0, 1.23),
    (0.727606696302, 0.592851046343),
    (0.893421899224, 0.553546040949),
    (0.947654461922, 0.548139228975),
    (0.970163993305, 0.549342346238),
    (0.981719292121, 0.551220045558),
    (0.988459993201, 0.552687791967),
    (0.992631158114, 0.553692892611),
    (0.995274452536, 0.554353578051),
    (0.996964767064, 0.554781753522),
    (0.998049326003, 0.555057833187),
    (0.998746078847, 0.55523551389),
    (0.999193898253, 0.555349788768),
    (0.99948177064, 0.555423266029),
    (0.999666835468, 0.555470506631),
    (0.999785810984, 0.555500877924),
    (0.999862299268, 0.555520403588),
    (0.999911473044, 0.555532956554),
    (0.999943086552, 0.55554102679),
    (0.999963410684, 0.555546215098),
];
/// `(y, u)`.
const BACKWARD_DERIV_ON_ERROR: [(f64, f64); 20] = [
    (0.0, 1.926666666667),
    (0.759055282171, 0.539332970032),
    (0.873471207229, 0.533349483602),
    (0.924891077513, 0.53844606776),
    (0.952858674658, 0.543780574005),
    (0.96973779672, 0.547737978431),
    (0.980404954728, 0.550430482935),
    (0.987270956683, 0.552211010695),
    (0.991721209422, 0.553376628083),
    (0.994613194664, 0.554136894079),
    (0.996494361091, 0.554632101882),
    (0.997718452409, 0.554954500011),
    (0.99851508475, 0.555164354086),
    (0.999033554383, 0.555300942124),
    (0.9993709944, 0.555389841143),
    (0.999590614838, 0.555447700983),
    (0.999733553593, 0.555485358873),
    (0.999826584583, 0.555509868358),
    (0.999887133368, 0.555525820249),
    (0.999926541266, 0.555536202466),
];
/// `(y, u)`.
const BACKWARD_SAT_NOAW: [(f64, f64); 20] = [
    (0.0, 0.7),
    (0.706735090903, 0.641224702091),
    (0.911025092593, 0.569141243864),
    (0.966183734225, 0.555556805862),
    (0.98378935327, 0.553429386365),
    (0.990845009974, 0.553659808402),
    (0.994377429767, 0.554198499182),
    (0.996421426201, 0.554642664442),
    (0.997690361286, 0.554954266392),
    (0.998501465884, 0.55516249117),
    (0.999025813204, 0.555299317868),
    (0.999366226285, 0.555388684892),
    (0.999587576565, 0.555446924587),
    (0.9997315918, 0.555484847818),
    (0.999825311526, 0.555509534358),
    (0.999886305711, 0.555525602534),
    (0.999926002808, 0.555536060687),
    (0.999951839317, 0.55554286739),
    (0.999968654851, 0.555547297516),
    (0.999979599155, 0.555550180847),
];
/// `(y, u)`.
const BACKWARD_SAT_CLAMP: [(f64, f64); 20] = [
    (0.0, 0.7),
    (0.638374147011, 0.55299453527),
    (0.824559146374, 0.531431422835),
    (0.900194553289, 0.534579548069),
    (0.938503012356, 0.540633895054),
    (0.960807971887, 0.545538301555),
    (0.97469254175, 0.54896232677),
    (0.983577012679, 0.551246681242),
    (0.989322788212, 0.552746883787),
    (0.993053580799, 0.553726518846),
    (0.995479627493, 0.554364888511),
    (0.997058098048, 0.554780555915),
    (0.998085315464, 0.555051136264),
    (0.998753845654, 0.55522725311),
    (0.999188948365, 0.555341880573),
    (0.999472131273, 0.555416485965),
    (0.999656439169, 0.555465042697),
    (0.999776395026, 0.555496645661),
    (0.999854467727, 0.555517214316),
    (0.999905280983, 0.555530601333),
];
/// `(y, u)`.
const BACKWARD_SAT_BACKCALC: [(f64, f64); 20] = [
    (0.0, 0.7),
    (0.685324040736, 0.600888119622),
    (0.877310697338, 0.553390419236),
    (0.939773025395, 0.54694662562),
    (0.965524911438, 0.548219872803),
    (0.978698904477, 0.550364143197),
    (0.986409907678, 0.552076377337),
    (0.991220809493, 0.553266990064),
    (0.994301955336, 0.554060238516),
    (0.996295268819, 0.554580935751),
    (0.997589710845, 0.554920891841),
    (0.998431495281, 0.555142406487),
    (0.99897919903, 0.555286639848),
    (0.999335629132, 0.555380528293),
    (0.999567600322, 0.555441638727),
    (0.999718575376, 0.555481413033),
    (0.999816836241, 0.555507300166),
    (0.999880788743, 0.555524148739),
    (0.999922411906, 0.555535114568),
    (0.999949502144, 0.555542251631),
];

struct Case {
    name: &'static str,
    golden: &'static [(f64, f64); 20],
    change: fn(&mut PidConfig<f64>),
}

fn limited(config: &mut PidConfig<f64>, anti_windup: AntiWindup<f64>) {
    config.output_min = 0.0;
    config.output_max = 0.7;
    config.anti_windup = anti_windup;
}

const CASES: [Case; 6] = [
    Case {
        name: "backward",
        golden: &BACKWARD,
        change: |_| (),
    },
    Case {
        name: "tustin",
        golden: &TUSTIN,
        // The equivalence that the documentation of `PidConfig` states.
        change: |config| {
            config.kp -= 6.0 * 0.01 / 2.0;
            let pole = 2.0 * 50.0 / (2.0 - 50.0 * 0.01);
            config.derivative_cutoff_hz = Some(pole / core::f64::consts::TAU);
        },
    },
    Case {
        name: "derivative on error",
        golden: &BACKWARD_DERIV_ON_ERROR,
        change: |config| config.derivative_setpoint_weight = 1.0,
    },
    Case {
        name: "saturated, no anti-windup",
        golden: &BACKWARD_SAT_NOAW,
        change: |config| limited(config, AntiWindup::None),
    },
    Case {
        name: "saturated, conditional",
        golden: &BACKWARD_SAT_CLAMP,
        change: |config| limited(config, AntiWindup::Conditional),
    },
    Case {
        name: "saturated, back-calculation",
        golden: &BACKWARD_SAT_BACKCALC,
        change: |config| limited(config, AntiWindup::BackCalculation { tracking_time: 0.2 }),
    },
];

/// The settings in another float.
fn convert<P: Float>(c: &PidConfig<f64>) -> PidConfig<P> {
    PidConfig {
        kp: P::lit(c.kp),
        ki: P::lit(c.ki),
        kd: P::lit(c.kd),
        setpoint_weight: P::lit(c.setpoint_weight),
        derivative_setpoint_weight: P::lit(c.derivative_setpoint_weight),
        derivative_cutoff_hz: c.derivative_cutoff_hz.map(P::lit),
        output_min: P::lit(c.output_min),
        output_max: P::lit(c.output_max),
        slew_per_s: c.slew_per_s.map(P::lit),
        anti_windup: match c.anti_windup {
            AntiWindup::None => AntiWindup::None,
            AntiWindup::Conditional => AntiWindup::Conditional,
            AntiWindup::BackCalculation { tracking_time } => AntiWindup::BackCalculation {
                tracking_time: P::lit(tracking_time),
            },
        },
    }
}

fn check<T: Scalar>(bound: f64) {
    let mut worst = 0.0_f64;
    for case in &CASES {
        let mut config = PidConfig {
            kp: 1.2,
            ki: 6.0,
            kd: 0.02,
            derivative_cutoff_hz: Some(50.0 / core::f64::consts::TAU),
            output_min: -100.0,
            output_max: 100.0,
            ..Default::default()
        };
        (case.change)(&mut config);
        let config = convert::<T::Param>(&config);
        let mut pid: Pid<T> = config.build(T::Param::lit(0.01)).unwrap();
        // The oracle's past is zero; ours is unknown, which gives no derivative at first.
        pid.step(T::zero(), T::zero());
        let mut y = 0.0;
        for k in 0..200 {
            let u = pid.step(T::one(), T::lit(y)).total.to_param().to_f64();
            if k % 10 == 0 {
                let (wanted_y, wanted_u) = case.golden[k / 10];
                let error = (y - wanted_y).abs().max((u - wanted_u).abs());
                worst = worst.max(error);
                assert!(error < bound, "{} {}[{k}]: {error:e}", T::NAME, case.name);
            }
            y = A * y + B * u;
        }
    }
    println!("{}: {worst:e}", core::any::type_name::<T>());
}

#[test]
fn f64_to_1e_9() {
    check::<f64>(1e-9);
}

#[test]
fn f32_to_5e_7() {
    check::<f32>(5e-7);
}

#[test]
fn q12_to_5e_6() {
    check::<Q12>(5e-6);
}

#[test]
fn q16_to_6e_5() {
    check::<Q16>(6e-5);
}
