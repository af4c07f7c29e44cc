use super::*;
use crate::control::design::{ContinuousModel, DesignError, DiscreteModel, LqrConfig};
use crate::math::{Float, Scalar};
use nalgebra::{Matrix2, Matrix4, SMatrix, SVector, Vector2, Vector4};

const HORIZON: usize = 10;

/// TinyMPC's example: position, speed, pole angle and its rate at 100 Hz.
fn cart_pole<P: Float>(limit: f64) -> MpcConfig<P, 4, 1> {
    #[rustfmt::skip]
    let a = Matrix4::new(
        1.0, 0.01, 0.0,   0.0,
        0.0, 1.0,  0.039, 0.0,
        0.0, 0.0,  1.002, 0.01,
        0.0, 0.0,  0.458, 1.002,
    );
    let model = DiscreteModel {
        a: a.map(P::lit),
        b: Vector4::new(0.0, 0.02, 0.0, 0.067).map(P::lit),
        dt: P::lit(0.01),
    };
    let weights = LqrConfig {
        state_weight: Matrix4::from_diagonal(&Vector4::new(10.0, 1.0, 10.0, 1.0)).map(P::lit),
        input_weight: SMatrix::from_element(P::one()),
    };
    MpcConfig {
        input_min: [P::lit(-limit)],
        input_max: [P::lit(limit)],
        ..MpcConfig::new(model, weights)
    }
}

/// A mass pushed by ±2 N, 20 Hz.
fn mass() -> MpcConfig<f64, 2, 1> {
    let model = ContinuousModel {
        a: Matrix2::new(0.0, 1.0, 0.0, 0.0),
        b: Vector2::new(0.0, 1.0),
    };
    MpcConfig {
        input_min: [-2.0],
        input_max: [2.0],
        ..MpcConfig::new(
            model.discretise(0.05).unwrap(),
            LqrConfig::from_limits([0.1, 3.0], [2.0]),
        )
    }
}

struct Dice(u32);
impl Dice {
    /// −1 ..= 1.
    fn roll(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(self.0 >> 8) / f64::from(1 << 23) - 1.0
    }
}

/// The optimum by another way: the whole horizon as one matrix, one input at a time.
fn optimum<const N: usize>(config: &MpcConfig<f64, N, 1>, start: &[f64; N]) -> f64 {
    let (a, b) = (config.model.a, config.model.b);
    let weights = config.weights;
    let last = weights.design(&config.model).unwrap().cost;
    let mut reach = [[SVector::<f64, N>::zeros(); HORIZON]; HORIZON];
    let mut drift = [SVector::<f64, N>::zeros(); HORIZON];
    let mut x = SVector::from(*start);
    for k in 0..HORIZON {
        x = a * x;
        drift[k] = x;
        reach[k] = core::array::from_fn(|j| match j {
            _ if j < k => a * reach[k - 1][j],
            _ if j == k => b,
            _ => SVector::zeros(),
        });
    }
    let price = |k: usize| {
        if k == HORIZON - 1 {
            last
        } else {
            weights.state_weight
        }
    };
    let mut hessian = [[0.0; HORIZON]; HORIZON];
    let mut slope = [0.0; HORIZON];
    for i in 0..HORIZON {
        for j in 0..HORIZON {
            hessian[i][j] = (0..HORIZON)
                .map(|k| (reach[k][i].transpose() * price(k) * reach[k][j])[0])
                .sum();
        }
        hessian[i][i] += weights.input_weight[0];
        slope[i] = (0..HORIZON)
            .map(|k| (reach[k][i].transpose() * price(k) * drift[k])[0])
            .sum();
    }
    let mut u = [0.0; HORIZON];
    for _ in 0..20_000 {
        for i in 0..HORIZON {
            let others: f64 =
                (0..HORIZON).map(|j| hessian[i][j] * u[j]).sum::<f64>() - hessian[i][i] * u[i];
            u[i] = (-(slope[i] + others) / hessian[i][i])
                .limit(config.input_min[0], config.input_max[0]);
        }
    }
    u[0]
}

#[test]
fn is_the_lqr_where_no_limit_acts() {
    fn check<P: Float>() {
        let config = cart_pole::<P>(1e3);
        let mut mpc: Mpc<P, 4, 1, HORIZON> = config.build().unwrap();
        let lqr = config.weights.design(&config.model).unwrap();
        let mut dice = Dice(1);
        for _ in 0..200 {
            let x = [(); 4].map(|()| P::lit(dice.roll()));
            let output = mpc.step(&x);
            assert_eq!(output.status, MpcStatus::Unconstrained);
            assert_eq!(output.input, [-(lqr.gain * SVector::from(x))[0]]);
        }
    }
    check::<f32>();
    check::<f64>();
}

#[test]
fn finds_the_optimum_under_limits() {
    fn check<P: Float>() {
        let exact = cart_pole::<f64>(1.5);
        let config = cart_pole::<P>(1.5);
        let mut mpc: Mpc<P, 4, 1, HORIZON> = config.build().unwrap();
        let mut dice = Dice(7);
        let mut solved = 0;
        for _ in 0..60 {
            let x = [0.5, 0.5, 0.1, 0.3].map(|size| size * dice.roll());
            mpc.reset();
            let output = mpc.step(&x.map(P::lit));
            if output.status == MpcStatus::Solved {
                solved += 1;
                let off = output.input[0].to_f64() - optimum(&exact, &x);
                assert!(off.abs() < 0.02, "{} {x:?}: {off}", P::NAME);
            }
            assert_ne!(output.status, MpcStatus::Fallback, "{x:?}");
        }
        assert!(solved > 15, "{solved}");
    }
    check::<f32>();
    check::<f64>();
}

#[test]
fn falls_back_to_the_clamped_lqr_and_says_so() {
    let config = MpcConfig {
        iterations: 1,
        tolerance: 1e-6,
        ..mass()
    };
    let mut mpc: Mpc<f64, 2, 1, HORIZON> = config.build().unwrap();
    let output = mpc.step(&[0.15, 0.3]);
    assert_eq!((output.status, output.iterations), (MpcStatus::Fallback, 1));
    let lqr = -(mpc.gain() * Vector2::new(0.15, 0.3))[0];
    assert_eq!(output.input, [lqr.limit(-2.0, 2.0)]);
}

#[test]
fn goes_on_next_period_with_what_it_found() {
    let config = MpcConfig {
        iterations: 5,
        ..mass()
    };
    let mut mpc: Mpc<f64, 2, 1, HORIZON> = config.build().unwrap();
    let (mut x, mut count) = (Vector2::new(1.5, 0.0), [0; 3]);
    for _ in 0..200 {
        let output = mpc.step(&[x[0], x[1]]);
        count[output.status as usize] += 1;
        x = config.model.a * x + config.model.b * output.input[0];
    }
    assert!(x[0].abs() < 1e-2, "{x}");
    assert!(count.iter().all(|n| *n > 0), "{count:?}");
}

#[test]
fn keeps_a_state_within_its_box() {
    let far = f64::INFINITY;
    let config = MpcConfig {
        state_min: [-far, -0.5],
        state_max: [far, 0.5],
        iterations: 300,
        ..mass()
    };
    let mut free: Mpc<f64, 2, 1, 20> = mass().build().unwrap();
    let mut mpc: Mpc<f64, 2, 1, 20> = config.build().unwrap();
    let run = |mpc: &mut Mpc<f64, 2, 1, 20>| {
        let (mut x, mut fastest, mut fallbacks) = (Vector2::new(2.0, 0.0), 0.0_f64, 0);
        for _ in 0..300 {
            let output = mpc.step(&[x[0], x[1]]);
            fallbacks += u32::from(output.status == MpcStatus::Fallback);
            x = config.model.a * x + config.model.b * output.input[0];
            fastest = fastest.max(x[1].abs());
        }
        (x[0], fastest, fallbacks)
    };
    let (_, fastest, _) = run(&mut free);
    assert!(fastest > 1.0, "{fastest}");
    let (end, fastest, fallbacks) = run(&mut mpc);
    assert!(end.abs() < 1e-3 && fastest < 0.502, "{end} {fastest}");
    assert_eq!(fallbacks, 0);
}

#[test]
fn follows_a_reference_it_sees_coming() {
    let dt = 0.05;
    let mut seeing: Mpc<f64, 2, 1, HORIZON> = mass().build().unwrap();
    let mut blind = seeing;
    let wanted = |t: f64| if t < 3.0 { 0.0 } else { 0.5 };
    let run = |mpc: &mut Mpc<f64, 2, 1, HORIZON>, ahead: bool| {
        let model = mass().model;
        let (mut x, mut sum) = (Vector2::zeros(), 0.0);
        for n in 0..200 {
            let t = f64::from(n) * dt;
            let states = core::array::from_fn(|k| {
                [wanted(if ahead { t + dt * (k + 1) as f64 } else { t }), 0.0]
            });
            let reference = MpcReference {
                states,
                inputs: [[0.0]; HORIZON],
            };
            let output = mpc.step_toward(&[x[0], x[1]], &reference);
            assert!(output.input[0].abs() <= 2.0);
            x = model.a * x + model.b * output.input[0];
            sum += (x[0] - wanted(t + dt)) * (x[0] - wanted(t + dt));
        }
        (x[0], sum)
    };
    let (end, with_sight) = run(&mut seeing, true);
    let (_, without) = run(&mut blind, false);
    assert!((end - 0.5).abs() < 1e-3, "{end}");
    assert!(with_sight < 0.7 * without, "{with_sight} {without}");
}

#[test]
fn a_constant_reference_moves_the_origin() {
    let mut here: Mpc<f64, 2, 1, HORIZON> = mass().build().unwrap();
    let mut there = here;
    let reference = MpcReference::constant([3.0, 0.0], [0.0]);
    for x in [[0.02, 0.1], [0.5, -0.2], [-0.3, 0.4]] {
        let plain = here.step(&x);
        let moved = there.step_toward(&[x[0] + 3.0, x[1]], &reference);
        assert!((plain.input[0] - moved.input[0]).abs() < 4e-3);
        assert_eq!(plain.status, moved.status);
    }
}

#[test]
fn starts_from_the_last_answer() {
    let mut mpc: Mpc<f32, 4, 1, HORIZON> = cart_pole(1.5).build().unwrap();
    let x = [0.5, 0.4, 0.0, 0.0];
    let cold = mpc.step(&x).iterations;
    let warm = mpc.step(&x).iterations;
    assert!(cold > 1 && warm < cold, "{cold} {warm}");
}

#[test]
fn no_state_is_too_strange() {
    fn check<P: Float>() {
        let mut mpc: Mpc<P, 4, 1, HORIZON> = cart_pole(1.5).build().unwrap();
        let mut dice = Dice(3);
        let nan = P::zero() / P::zero();
        for n in 0..2000 {
            let mut x = [(); 4].map(|()| P::lit(dice.roll()) * P::lit(0.3));
            if n % 7 == 3 {
                x[n % 4] = [nan, P::MAX, P::MIN, P::MAX + P::MAX, P::lit(1e15)][n % 5];
            }
            let output = mpc.step(&x);
            assert!(output.input[0].magnitude() <= P::lit(1.5), "{n} {output:?}");
            assert!(!output.held || x.iter().any(|x| !x.is_usable()));
        }
        // The next good sample counts as if nothing had happened.
        let x = [0.01, 0.0, 0.002, 0.0].map(P::lit);
        assert_eq!(mpc.step(&x).status, MpcStatus::Unconstrained);
    }
    check::<f32>();
    check::<f64>();
}

#[test]
fn errors_name_the_field() {
    let error = |config: MpcConfig<f64, 2, 1>| config.build::<HORIZON>().unwrap_err();
    let config = MpcConfig {
        input_min: [2.0],
        ..mass()
    };
    assert_eq!(error(config), DesignError::Order("input_min", "input_max"));
    let config = MpcConfig {
        state_min: [0.0, f64::NAN],
        ..mass()
    };
    assert_eq!(error(config), DesignError::Order("state_min", "state_max"));
    let config = MpcConfig {
        iterations: 0,
        ..mass()
    };
    assert_eq!(error(config), DesignError::OutOfRange("iterations"));
    let config = MpcConfig {
        penalty: Some(0.0),
        ..mass()
    };
    assert_eq!(error(config), DesignError::OutOfRange("penalty"));
    let mut config = mass();
    config.model.b = Vector2::zeros();
    assert_eq!(error(config), DesignError::NotStabilisable);
}
