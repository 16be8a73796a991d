//! Probabilities and logits in fixed point, and the maps between them.
//!
//! Every table is computed at compile time from IEEE-754 `+ - * /` in a fixed order, so that
//! all machines hold the same numbers.

/// A probability that the next bit is one, in units of 2^-22, never 0 and never 1.
///
/// Range: `1 ..= 2^22 - 1`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct P1(u32);

impl P1 {
    /// Bits of precision.
    pub const BITS: u32 = 22;
    /// Both bits equally likely.
    pub const HALF: P1 = P1(1 << (Self::BITS - 1));
    const MAX: u32 = (1 << Self::BITS) - 1;

    /// The probability nearest to `p1_q22` that is allowed.
    #[inline(always)]
    pub fn clamped(p1_q22: u32) -> P1 {
        P1(p1_q22.clamp(1, Self::MAX))
    }

    /// The value in units of 2^-22.
    #[inline(always)]
    pub fn get(self) -> u32 {
        self.0
    }

    /// Bits that `bit` costs under this probability: its surprisal.
    pub fn cost_bits(self, bit: bool) -> f64 {
        let one = f64::from(self.0) / f64::from(1u32 << Self::BITS);
        -(if bit { one } else { 1.0 - one }).log2()
    }
}

/// Logits that enter a mixer are in units of 1/256 and lie in `-LOGIT_LIMIT ..= LOGIT_LIMIT`.
pub const LOGIT_LIMIT: i32 = 2047;

/// The last logit, in units of 1/4096, lies in `-FINE_LIMIT ..= FINE_LIMIT` (12 nats).
pub const FINE_LIMIT: i32 = 12 * 4096;

/// e^x for |x| <= 16: the series of e^(x/1024), squared ten times. The same on every machine.
pub const fn exp(x: f64) -> f64 {
    let y = x / 1024.0;
    let mut term = 1.0;
    let mut sum = 1.0;
    let mut k = 1;
    while k < 12 {
        term = term * y / (k as f64);
        sum += term;
        k += 1;
    }
    let mut i = 0;
    while i < 10 {
        sum *= sum;
        i += 1;
    }
    sum
}

/// ln x for 10^-6 < x < 10^6: Newton's method on [`exp`]. The same on every machine.
pub const fn ln(x: f64) -> f64 {
    let mut y = 0.0;
    let mut i = 0;
    while i < 40 {
        let e = exp(y);
        y += 2.0 * (x - e) / (x + e);
        i += 1;
    }
    y
}

const STRETCH: [i16; 4096] = {
    let mut table = [0i16; 4096];
    let mut i = 0;
    // ln((i + 1/2) / (4096 - i - 1/2)) * 256, antisymmetric by construction.
    while i < 2048 {
        let p = (i as f64) + 0.5;
        let x = -ln(p / (4096.0 - p)) * 256.0 + 0.5;
        let x = x as i32;
        let x = if x > LOGIT_LIMIT { LOGIT_LIMIT } else { x };
        table[i] = -(x as i16);
        table[4095 - i] = x as i16;
        i += 1;
    }
    table
};

/// squash at logits -12 + k/64, in units of 2^-22.
const FINE_STEPS: usize = 24 * 64;
const SQUASH_FINE: [u32; FINE_STEPS + 2] = {
    let mut table = [0u32; FINE_STEPS + 2];
    let mut k = 0;
    while k <= FINE_STEPS + 1 {
        let x = (k as f64) / 64.0 - 12.0;
        let p = 1.0 / (1.0 + exp(-x));
        table[k] = (p * 4194304.0 + 0.5) as u32;
        k += 1;
    }
    table
};

/// squash at logits (k - 2048)/256, in units of 2^-16, within `1 ..= 65535`.
const SQUASH: [u16; 4096] = {
    let mut table = [0u16; 4096];
    let mut k = 0;
    while k < 4096 {
        let x = ((k as f64) - 2048.0) / 256.0;
        let p = 65536.0 / (1.0 + exp(-x)) + 0.5;
        let p = p as u32;
        table[k] = if p > 65535 {
            65535
        } else if p < 1 {
            1
        } else {
            p as u16
        };
        k += 1;
    }
    table
};

/// `ln(p / (1 - p))` in units of 1/256, for `p1_q16` in units of 2^-16, read to 12 bits.
#[inline(always)]
pub fn stretch(p1_q16: u16) -> i16 {
    STRETCH[usize::from(p1_q16 >> 4)]
}

/// `1 / (1 + e^-x)` in units of 2^-16 (`1 ..= 65535`), for `x` in units of 1/256, clamped to
/// [`LOGIT_LIMIT`].
#[inline(always)]
pub fn squash(x: i32) -> u16 {
    SQUASH[(x.clamp(-LOGIT_LIMIT, LOGIT_LIMIT) + 2048) as usize]
}

/// `1 / (1 + e^-x)` for `x` in units of 1/4096, clamped to [`FINE_LIMIT`]; linear between
/// points 1/64 nat apart.
#[inline(always)]
pub fn squash_fine(x: i32) -> P1 {
    let x = (x.clamp(-FINE_LIMIT, FINE_LIMIT) + FINE_LIMIT) as u32;
    let (k, part) = ((x >> 6) as usize, x & 63);
    let (a, b) = (SQUASH_FINE[k], SQUASH_FINE[k + 1]);
    P1::clamped((a * (64 - part) + b * part) >> 6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_follow_their_formulas() {
        for i in 0..4096u32 {
            let p = (f64::from(i) + 0.5) / 4096.0;
            let want = ((p / (1.0 - p)).ln() * 256.0).clamp(-2047.0, 2047.0);
            assert!((f64::from(stretch((i << 4) as u16)) - want).abs() <= 0.51, "stretch at {i}");
        }
        for x in -LOGIT_LIMIT..=LOGIT_LIMIT {
            let want = 65536.0 / (1.0 + (-f64::from(x) / 256.0).exp());
            assert!((f64::from(squash(x)) - want).abs() <= 0.51, "squash at {x}");
        }
        for x in (-FINE_LIMIT..=FINE_LIMIT).step_by(7) {
            let want = 4194304.0 / (1.0 + (-f64::from(x) / 4096.0).exp());
            let got = f64::from(squash_fine(x).get());
            assert!((got - want).abs() <= 1.5 + want * 1e-4, "fine squash at {x}: {got} {want}");
        }
    }

    #[test]
    fn squash_never_falls() {
        for x in -FINE_LIMIT..FINE_LIMIT {
            assert!(squash_fine(x).get() <= squash_fine(x + 1).get());
        }
    }
}
