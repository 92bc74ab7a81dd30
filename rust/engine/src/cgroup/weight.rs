// SPDX-License-Identifier: Apache-2.0
//! Weights of cgroup v1 on the scale of cgroup v2. Pure; floating point without libm, for the engine has none.

/// cpu.shares (2 to 262144, default 1024) as cpu.weight (1 to 10000, default 100):
/// ceil(10^((l^2 + 125 l) / 612 - 7/34)) with l = log2(shares), a curve through both ends and the default.
/// The formula of crun since 1.23 and runc since 1.3.2; the straight line of before made 1024 a weight of 39.
pub fn from_cpu_shares(shares: u64) -> u64 {
    match shares {
        0..=2 => 1,
        262_144.. => 10_000,
        _ => {
            let l = log2(shares);
            let weight = exp(((l * l + 125.0 * l) / 612.0 - 7.0 / 34.0) * core::f64::consts::LN_10);
            // Whole results (1024 gives 100) may come out an ulp too large.
            let low = (weight - 1e-9) as u64;
            low + 1
        }
    }
}

/// blkio.weight (10 to 1000) as io.weight (1 to 10000), linearly.
pub fn from_blkio_weight(weight: u16) -> u64 {
    1 + u64::from(weight).saturating_sub(10) * 9999 / 990
}

/// log2 for n >= 1: the exponent, and the series of ln((1 + x) / (1 - x)) for the rest in 1..2.
fn log2(n: u64) -> f64 {
    let exponent = 63 - n.leading_zeros();
    let rest = n as f64 / (1u64 << exponent) as f64;
    let x = (rest - 1.0) / (rest + 1.0);
    let (mut power, mut sum) = (x, 0.0);
    for odd in (1..60).step_by(2) {
        sum += power / f64::from(odd);
        power *= x * x;
    }
    f64::from(exponent) + 2.0 * sum / core::f64::consts::LN_2
}

/// e^y for 0 <= y < 10: halved five times, summed, squared five times.
fn exp(y: f64) -> f64 {
    let small = y / 32.0;
    let (mut term, mut sum) = (1.0, 1.0);
    for n in 1..25 {
        term *= small / f64::from(n);
        sum += term;
    }
    (0..5).fold(sum, |value, _| value * value)
}

#[cfg(test)]
mod tests {
    use super::*;
    extern crate std;

    fn formula(shares: u64) -> u64 {
        let l = (shares as f64).log2();
        10f64.powf((l * l + 125.0 * l) / 612.0 - 7.0 / 34.0).ceil() as u64
    }

    #[test]
    fn every_share_has_the_weight_of_the_formula() {
        for shares in 3..262_144 {
            assert_eq!(from_cpu_shares(shares), formula(shares), "shares {shares}");
        }
    }

    #[test]
    fn ends_and_default_of_shares_are_ends_and_default_of_weight() {
        assert_eq!([0, 2, 1024, 262_144, u64::MAX].map(from_cpu_shares), [1, 1, 100, 10_000, 10_000]);
    }

    #[test]
    fn block_io_weights_fill_their_range() {
        assert_eq!([0, 10, 100, 500, 1000].map(from_blkio_weight), [1, 1, 910, 4950, 10_000]);
    }
}
