//! The kernels of prediction, each a scalar definition with SIMD twins that give the same bits.
//!
//! All arithmetic is on integers: a sum of `i32` wraps, so its order cannot matter, and a
//! weight moves by one rounded product and saturates. Twins are chosen at run time.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod contexts;
#[cfg(target_arch = "aarch64")]
mod neon;
mod products;
mod scalar;
mod sets;

pub use contexts::{
    BLOCK, BY_CONTEXT, Blocks, ByContext, Maps, Nodes, PLANE_LANES, Steps, ask_histories, ask_runs,
    find_slots, teach,
};
pub use products::{PANEL_SUMS, multiply};
pub use sets::{FEW, LANES, dot_few, dot_sets, mix_sets, train_few, train_sets};

/// Work that is compiled anew for each instruction set, kernels and all that is around them.
///
/// [`run`](Self::run) must be `#[inline(always)]`, and so must what it calls with `simd`: that is
/// a constant there, so that each kernel is one of its twins and becomes part of the work.
pub trait Work {
    /// What comes of it.
    type Output;
    /// Does the work with the kernels of `simd`.
    fn run(self, simd: Simd) -> Self::Output;
}

/// An instruction set the kernels can use. It never decides a bit, only how soon it is there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Simd {
    /// The definition.
    Scalar,
    /// 256-bit vectors (x86-64).
    Avx2,
    /// 512-bit vectors with permutations of bytes and sums of products (x86-64).
    Avx512,
    /// 128-bit vectors (AArch64).
    Neon,
}

impl Simd {
    /// Every instruction set this machine has, the scalar one first.
    pub fn available() -> Vec<Simd> {
        let mut all = vec![Simd::Scalar];
        #[cfg(target_arch = "x86_64")]
        {
            if std::is_x86_feature_detected!("avx2")
                && std::is_x86_feature_detected!("bmi1")
                && std::is_x86_feature_detected!("bmi2")
                && std::is_x86_feature_detected!("lzcnt")
                && std::is_x86_feature_detected!("popcnt")
            {
                all.push(Simd::Avx2);
                if std::is_x86_feature_detected!("avx512f")
                    && std::is_x86_feature_detected!("avx512bw")
                    && std::is_x86_feature_detected!("avx512vl")
                    && std::is_x86_feature_detected!("avx512vbmi")
                    && std::is_x86_feature_detected!("avx512vnni")
                {
                    all.push(Simd::Avx512);
                }
            }
        }
        #[cfg(target_arch = "aarch64")]
        all.push(Simd::Neon);
        all
    }

    /// The one to use: the widest at hand, or the one named by `FORETOLD_SIMD` (`scalar`,
    /// `avx2`, `avx512`, `neon`) where this machine has it.
    pub fn detect() -> Simd {
        let available = Self::available();
        let widest = available[available.len() - 1];
        match std::env::var("FORETOLD_SIMD") {
            Ok(name) => available.into_iter().find(|simd| simd.name() == name).unwrap_or(widest),
            Err(_) => widest,
        }
    }

    /// Does `work` compiled for this instruction set.
    #[inline(always)]
    pub fn run<W: Work>(self, work: W) -> W::Output {
        match self {
            // SAFETY: the variant exists only where the features were detected (`available`).
            #[cfg(target_arch = "x86_64")]
            Simd::Avx2 => unsafe { avx2::run(work) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Simd::Avx512 => unsafe { avx512::run(work) },
            // Every machine of this sort has what it needs.
            #[cfg(target_arch = "aarch64")]
            Simd::Neon => work.run(Simd::Neon),
            _ => work.run(Simd::Scalar),
        }
    }

    /// The name `FORETOLD_SIMD` knows it by.
    pub fn name(self) -> &'static str {
        match self {
            Simd::Scalar => "scalar",
            Simd::Avx2 => "avx2",
            Simd::Avx512 => "avx512",
            Simd::Neon => "neon",
        }
    }
}
