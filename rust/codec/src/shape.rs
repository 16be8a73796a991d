//! Code for one assembly: the way of a byte, compiled anew where it pays.
//!
//! Everything that predicts is told by a [`Shape`] how much of everything there is. Where that is
//! a constant, loops have lengths, tables of selectors and groups become their code, and the
//! kernels are inlined for the instruction set at hand: a fast preset then spends its time on
//! contexts rather than on finding out how many there are.

use std::marker::PhantomData;

use foretold_numerics::{P1, Simd, Work};

use crate::predictor::{Prediction, Predictor, assembly_inputs};
use crate::setup::{Assembly, STRUCTURED_5, Setup, TEXT_1, TEXT_2, TEXT_3, TEXT_4, TEXT_5};

/// What an assembly asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub assembly: &'static Assembly,
    pub contexts: usize,
    pub matches: usize,
    /// Whether a network takes part.
    pub network: bool,
    /// Whether a mixer network may.
    pub corrected: bool,
    /// Whether it is that of structured text.
    pub structured: bool,
    /// Of the mixer.
    pub inputs: usize,
    /// Which of the shapes that are constants this is, if any.
    known: Known,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Known {
    Text1,
    Text2,
    Text3,
    Text4,
    Text5,
    Structured5,
    Other,
}

impl Shape {
    /// The shape of an assembly of a setup.
    pub fn of(assembly: &'static Assembly, setup: &Setup) -> Shape {
        let (matches, network, corrected) = (setup.matches.len(), setup.network, setup.corrected);
        let known = match (assembly, matches) {
            _ if network || corrected => Known::Other,
            (a, 1) if std::ptr::eq(a, &TEXT_1) => Known::Text1,
            (a, 1) if std::ptr::eq(a, &TEXT_2) => Known::Text2,
            (a, 1) if std::ptr::eq(a, &TEXT_3) => Known::Text3,
            (a, 2) if std::ptr::eq(a, &TEXT_4) => Known::Text4,
            (a, 2) if std::ptr::eq(a, &TEXT_5) => Known::Text5,
            (a, 2) if std::ptr::eq(a, &STRUCTURED_5) => Known::Structured5,
            _ => Known::Other,
        };
        Shape {
            network,
            corrected,
            structured: setup.structured.is_some_and(|structured| std::ptr::eq(structured, assembly)),
            inputs: assembly_inputs(assembly, matches, network),
            ..Shape::known(assembly, matches, known)
        }
    }

    #[inline(always)]
    const fn known(assembly: &'static Assembly, matches: usize, known: Known) -> Shape {
        let (contexts, inputs) = (assembly.contexts(), assembly_inputs(assembly, matches, false));
        Shape {
            assembly,
            contexts,
            matches,
            network: false,
            corrected: false,
            structured: matches!(known, Known::Structured5),
            inputs,
            known,
        }
    }
}

/// A shape that is a constant, or the one that the predictor has.
trait Constant {
    const SHAPE: Option<Shape>;
}

macro_rules! constants {
    ($($name:ident: $shape:expr,)*) => {
        $(struct $name;
        impl Constant for $name {
            const SHAPE: Option<Shape> = $shape;
        })*
    };
}

constants! {
    Text1: Some(Shape::known(&TEXT_1, 1, Known::Text1)),
    Text2: Some(Shape::known(&TEXT_2, 1, Known::Text2)),
    Text3: Some(Shape::known(&TEXT_3, 1, Known::Text3)),
    Text4: Some(Shape::known(&TEXT_4, 2, Known::Text4)),
    Text5: Some(Shape::known(&TEXT_5, 2, Known::Text5)),
    Structured5: Some(Shape::known(&STRUCTURED_5, 2, Known::Structured5)),
    Other: None,
}

/// The bits of one byte.
struct Byte<'a, F, C> {
    predictor: &'a mut Predictor,
    made: &'a mut Prediction,
    bit_of: &'a mut F,
    constant: PhantomData<C>,
}

impl<F: FnMut(&Predictor, &Prediction, P1) -> bool, C: Constant> Work for Byte<'_, F, C> {
    type Output = u8;

    #[inline(always)]
    fn run(self, simd: Simd) -> u8 {
        let shape = const { C::SHAPE }.unwrap_or_else(|| self.predictor.manner().0);
        self.predictor.byte(shape, simd, self.made, self.bit_of)
    }
}

/// Asks for each bit of a byte, highest first, and learns what `bit_of` answers.
#[inline]
pub(crate) fn code_byte<F: FnMut(P1) -> bool>(
    predictor: &mut Predictor,
    made: &mut Prediction,
    bit_of: &mut F,
) -> u8 {
    let bit_of = &mut |_: &Predictor, _: &Prediction, p1| bit_of(p1);
    match predictor.manner().0.known {
        Known::Text1 => run::<Text1, _>(predictor, made, bit_of),
        Known::Text2 => run::<Text2, _>(predictor, made, bit_of),
        Known::Text3 => run::<Text3, _>(predictor, made, bit_of),
        Known::Text4 => run::<Text4, _>(predictor, made, bit_of),
        Known::Text5 => run::<Text5, _>(predictor, made, bit_of),
        Known::Structured5 => run::<Structured5, _>(predictor, made, bit_of),
        Known::Other => run::<Other, _>(predictor, made, bit_of),
    }
}

/// The same; `bit_of` sees how the probability came about.
pub(crate) fn trace_byte(
    predictor: &mut Predictor,
    made: &mut Prediction,
    bit_of: &mut impl FnMut(&Predictor, &Prediction, P1) -> bool,
) -> u8 {
    run::<Other, _>(predictor, made, bit_of)
}

#[inline]
fn run<C: Constant, F: FnMut(&Predictor, &Prediction, P1) -> bool>(
    predictor: &mut Predictor,
    made: &mut Prediction,
    bit_of: &mut F,
) -> u8 {
    predictor.manner().1.run(Byte { predictor, made, bit_of, constant: PhantomData::<C> })
}
