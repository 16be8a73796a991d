//! Arithmetic of networks: f32 in sixteen lanes, every rounding of which is fixed.
//!
//! Nothing here is fused, and no sum depends on the width of a machine's vectors: where a sum runs
//! over many values, lane `i` takes the values `i, i + 16, …` in their order, and [`Lanes::total`]
//! adds the lanes as one fixed tree. So code that is compiled for wider vectors gives the same bits.

/// Values that are worked on side by side.
pub const FLOAT_LANES: usize = 16;

/// Sixteen values.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C, align(64))]
pub struct Lanes(pub [f32; FLOAT_LANES]);

impl Lanes {
    /// All zeros.
    pub const ZERO: Lanes = Lanes([0.0; FLOAT_LANES]);

    /// The same value in every lane.
    #[inline(always)]
    pub fn all(value: f32) -> Lanes {
        Lanes([value; FLOAT_LANES])
    }

    /// The first sixteen values of a slice.
    #[inline(always)]
    pub fn of(values: &[f32]) -> Lanes {
        let mut lanes = Lanes::ZERO;
        lanes.0.copy_from_slice(&values[..FLOAT_LANES]);
        lanes
    }

    /// Writes them to the first sixteen places of a slice.
    #[inline(always)]
    pub fn put(self, values: &mut [f32]) {
        values[..FLOAT_LANES].copy_from_slice(&self.0);
    }

    /// What `of` gives for each lane.
    #[inline(always)]
    pub fn map(self, of: impl Fn(f32) -> f32) -> Lanes {
        let mut lanes = self;
        for lane in &mut lanes.0 {
            *lane = of(*lane);
        }
        lanes
    }

    /// What `of` gives for each lane of both.
    #[inline(always)]
    pub fn with(self, other: Lanes, of: impl Fn(f32, f32) -> f32) -> Lanes {
        let mut lanes = self;
        for (lane, other) in lanes.0.iter_mut().zip(other.0) {
            *lane = of(*lane, other);
        }
        lanes
    }

    /// `self + a * b`, rounded after each of the two.
    #[inline(always)]
    pub fn plus_product(self, a: Lanes, b: Lanes) -> Lanes {
        let mut lanes = self;
        for i in 0..FLOAT_LANES {
            lanes.0[i] += a.0[i] * b.0[i];
        }
        lanes
    }

    /// The sum of the lanes: lane `i` and `i + 8`, of these `i` and `i + 4`, then 2, then 1.
    #[inline(always)]
    pub fn total(self) -> f32 {
        let mut lanes = self.0;
        let mut half = FLOAT_LANES / 2;
        while half > 0 {
            for i in 0..half {
                lanes[i] += lanes[i + half];
            }
            half /= 2;
        }
        lanes[0]
    }
}

/// The values of all lanes, one after the other.
pub fn floats(lanes: &[Lanes]) -> &[f32] {
    // SAFETY: lanes are sixteen values without padding.
    unsafe { std::slice::from_raw_parts(lanes.as_ptr().cast(), lanes.len() * FLOAT_LANES) }
}

/// The same, to be written.
pub fn floats_mut(lanes: &mut [Lanes]) -> &mut [f32] {
    // SAFETY: as above; any value is allowed.
    unsafe { std::slice::from_raw_parts_mut(lanes.as_mut_ptr().cast(), lanes.len() * FLOAT_LANES) }
}

/// Half as much again as 2^23: adding and subtracting it rounds to an integer, to the even one of two.
const ROUNDING: f32 = 12_582_912.0;

/// e^x, for x clamped to -87 ..= 88; within two units of the last place.
#[inline(always)]
pub fn exp_f32(x: f32) -> f32 {
    // Not `clamp`: that would let a NaN through.
    let x = if x > -87.0 { x } else { -87.0 };
    let x = if x < 88.0 { x } else { 88.0 };
    let shifted = x * std::f32::consts::LOG2_E + ROUNDING;
    let n = shifted - ROUNDING;
    // ln 2 in two parts: n times the first is exact.
    let r = x - n * 0.693_359_4;
    let r = r + n * 2.121_944_4e-4;
    let mut sum = 1.0 / 5040.0;
    for factor in [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        sum = sum * r + factor;
    }
    // The exponent: the integer stands in the low bits of `shifted`.
    sum * f32::from_bits((shifted.to_bits() << 23).wrapping_add(0x3f80_0000))
}

/// 1 / (1 + e^-x).
#[inline(always)]
pub fn sigmoid_f32(x: f32) -> f32 {
    1.0 / (1.0 + exp_f32(-x))
}

/// The hyperbolic tangent, as `(e^2x - 1) / (e^2x + 1)`; within 2^-22 of the true value.
#[inline(always)]
pub fn tanh_f32(x: f32) -> f32 {
    let x = if x > -9.0 { x } else { -9.0 };
    let x = if x < 9.0 { x } else { 9.0 };
    let e = exp_f32(2.0 * x);
    (e - 1.0) / (e + 1.0)
}

/// `x`, from 0 to 2^22, rounded to an integer, to the even one of two.
#[inline(always)]
pub fn round_f32(x: f32) -> u32 {
    (x + 8_388_608.0).to_bits() & 0x7f_ffff
}

/// `x`, from -2^22 to 2^22, rounded to an integer, to the even one of two.
#[inline(always)]
pub fn round_signed_f32(x: f32) -> i32 {
    (x + ROUNDING).to_bits().wrapping_sub(ROUNDING.to_bits()) as i32
}

/// While it lives, the thread's floating point rounds to nearest and keeps subnormal numbers,
/// whatever another library has set.
#[derive(Debug)]
pub struct StandardFloats {
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    found: u64,
    /// What was set belongs to the thread.
    _thread: std::marker::PhantomData<*const ()>,
}

impl StandardFloats {
    /// Sets the standard modes.
    pub fn set() -> StandardFloats {
        #[cfg(target_arch = "x86_64")]
        {
            let (mut found, standard) = (0u32, 0x1f80u32);
            // SAFETY: both instructions touch the four bytes they are given and the modes of the
            // vector unit: all exceptions masked, nearest, no flush to zero, as processes start.
            unsafe {
                std::arch::asm!("stmxcsr [{0}]", "ldmxcsr [{1}]", in(reg) &mut found, in(reg) &standard, options(nostack));
            }
            StandardFloats { found: u64::from(found), _thread: std::marker::PhantomData }
        }
        #[cfg(target_arch = "aarch64")]
        {
            let found: u64;
            // SAFETY: zero is what processes start with: nearest, no flush to zero, no traps.
            unsafe {
                std::arch::asm!("mrs {0}, fpcr", "msr fpcr, xzr", out(reg) found, options(nostack));
            }
            StandardFloats { found, _thread: std::marker::PhantomData }
        }
        #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
        StandardFloats { _thread: std::marker::PhantomData }
    }
}

impl Drop for StandardFloats {
    fn drop(&mut self) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the value was read from the same register.
        unsafe {
            std::arch::asm!("ldmxcsr [{0}]", in(reg) &(self.found as u32), options(nostack, readonly));
        }
        #[cfg(target_arch = "aarch64")]
        // SAFETY: as above.
        unsafe {
            std::arch::asm!("msr fpcr, {0}", in(reg) self.found, options(nostack));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_near_the_true_ones() {
        for i in -30_000..=30_000 {
            let x = i as f32 / 1000.0;
            let wide = f64::from(x);
            assert!((f64::from(exp_f32(x)) / wide.exp() - 1.0).abs() < 3e-7, "exp {x}");
            assert!((f64::from(tanh_f32(x)) - wide.tanh()).abs() < 3e-7, "tanh {x}");
            assert!((f64::from(sigmoid_f32(x)) - 1.0 / (1.0 + (-wide).exp())).abs() < 3e-7, "sigmoid {x}");
        }
        assert_eq!((exp_f32(0.0), tanh_f32(0.0), sigmoid_f32(0.0)), (1.0, 0.0, 0.5));
        for x in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e30, -1e30] {
            assert!(exp_f32(x).is_finite() && tanh_f32(x).abs() <= 1.0);
        }
    }

    #[test]
    fn rounding_goes_to_the_even_one_of_two() {
        let rounded: Vec<u32> = [0.0, 0.5, 0.51, 1.5, 2.5, 4_194_304.0].map(round_f32).to_vec();
        assert_eq!(rounded, [0, 0, 1, 2, 2, 4_194_304]);
        let signed = [-2.5, -1.5, -0.51, -0.5, 0.0, 16_383.5].map(round_signed_f32);
        assert_eq!(signed, [-2, -2, -1, 0, 0, 16_384]);
    }

    #[test]
    fn a_total_adds_the_lanes_as_a_tree() {
        let mut lanes = Lanes::ZERO;
        lanes.0[0] = 1e8;
        lanes.0[8] = -1e8;
        lanes.0[3] = 1.0;
        assert_eq!(lanes.total(), 1.0);
        lanes.0[4] = 1e8;
        lanes.0[12] = -1e8;
        assert_eq!(lanes.total(), 1.0);
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn modes_that_another_library_has_set_are_put_aside_and_back() {
        let read = || {
            let mut modes = 0u32;
            // SAFETY: writes four bytes.
            unsafe { std::arch::asm!("stmxcsr [{0}]", in(reg) &mut modes, options(nostack)) };
            modes
        };
        let before = read();
        // Flush to zero, denormals are zeros.
        // SAFETY: modes only, set back below.
        unsafe { std::arch::asm!("ldmxcsr [{0}]", in(reg) &0x9fc0u32, options(nostack)) };
        let tiny = std::hint::black_box(f32::MIN_POSITIVE);
        assert_eq!(tiny * 0.5, 0.0);
        {
            let _standard = StandardFloats::set();
            assert!(std::hint::black_box(tiny) * 0.5 > 0.0);
        }
        assert_eq!(read() & 0x8040, 0x8040);
        // SAFETY: as found.
        unsafe { std::arch::asm!("ldmxcsr [{0}]", in(reg) &before, options(nostack)) };
    }
}
