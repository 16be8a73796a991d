//! Picture contexts: pixels of the row so far and of those above, each a palette's number.

use super::{Contexts, Group};
use crate::Parsed;

/// The contexts of a picture, as many as an assembly has places for.
pub const fn pictures<const N: usize>() -> Group {
    Group { name: "picture", contexts: N, orders: &[], add: add::<N> }
}

/// Those that say most come first: fast presets have few places.
#[inline(always)]
fn add<const N: usize>(parsed: &Parsed, out: &mut Contexts) {
    let history = &parsed.history;
    let at = |right: i64, up: u64| u64::from(parsed.pixel(right, up));
    let row = history.last8;
    let [w, ww, www] = [row & 0xff, row & 0xffff, row & 0xff_ffff];
    let (w4, w6) = (row & 0xffff_ffff, row & 0xffff_ffff_ffff);
    // Pixels of a row as a number, from left to right.
    let span = |from: i64, to: i64, up: u64| (from..=to).fold(0, |sum, right| sum << 8 | at(right, up));
    let (n, nw, ne) = (at(0, 1), at(-1, 1), at(1, 1));
    let (nn, nnn) = (at(0, 2), at(0, 3));
    let around = span(-1, 1, 1);
    let column = history.len % parsed.records.len;
    let mut number = 0;
    let mut put = |parts: [u64; 3], more: u64| {
        if number < N {
            number += 1;
            out.add([parts[0], parts[1], parts[2], (number as u64) << 32 | more]);
        }
    };
    put([w, n, 0], 0);
    put([www, around, nn], 0);
    put([w4, span(-2, 2, 1), span(-1, 1, 2)], 0);
    put([w6, span(-3, 3, 1), span(-2, 2, 2)], 0);
    put([w, around, 0], 0);
    put([ww, around, 0], 0);
    put([ww, span(-1, 2, 1), span(-1, 1, 2)], 0);
    put([w, n, nw], 0);
    put([w, n, ne], 0);
    put([row, span(-4, 3, 1), span(-3, 3, 2)], nnn);
    put([w, n, nn], 0);
    put([w, span(0, 2, 1), 0], 0);
    put([www, n, 0], 0);
    put([w, n, column], 0);
    put([n, nn, nnn], 0);
    put([ww, n, nn], 0);
    put([w, span(-2, 2, 1), 0], 0);
    put([ww, span(-1, 1, 1), span(0, 1, 2)], nnn);
    put([w4, n, nw], 0);
    put([w6, 0, 0], 0);
    put([row, n, 0], 0);
    put([span(-1, 1, 1), span(-1, 1, 2), span(-1, 1, 3)], 0);
    put([span(-3, 4, 1), w, 0], 0);
    put([span(0, 3, 1), span(0, 2, 2), ww], 0);
    put([span(-3, 0, 1), span(-2, 0, 2), ww], 0);
    put([row, span(-4, 3, 1), span(-4, 3, 2)], span(-1, 1, 3) ^ at(0, 4) << 24);
    put([w, nw, ne], 0);
    put([ww, ne, at(2, 1)], 0);
    put([w, n, at(0, 4)], 0);
    put([column, w, nn], 0);
    put([w, 0, 0], 0);
    put([n, 0, 0], 0);
    put([n, nn, w], ne);
    put([www, around, 0], 0);
    put([w4, around, 0], 0);
    put([www, span(-2, 2, 1), 0], 0);
    put([w4, span(-1, 3, 1), span(-1, 2, 2)], 0);
    put([ww, span(-2, 2, 1), span(-2, 2, 2)], nnn);
    put([span(-2, 2, 1), span(-1, 1, 2), w], 0);
    put([w6, span(-2, 3, 1), nn], 0);
    put([ww, n, column], 0);
    put([around, column, 0], 0);
    put([w, n, nw], nn << 8 | nnn);
    put([row, around, 0], 0);
    put([ne, at(1, 2), at(2, 1)], w);
    put([nw, at(-2, 2), at(-3, 3)], w);
    put([0, 0, 0], 0);
    // The same shapes come in other colours, and at their edges in many: by how bright pixels are, the upper bits
    // of many of them are one context.
    let bright = |right: i64, up: u64| u64::from(parsed.brightness(right, up));
    let uppers = |bits: u32, rows: [(i64, i64); 4]| {
        (0..).zip(rows).fold(0, |sum, (up, (from, to))| {
            (from..=to).fold(sum, |sum, right| sum << bits | bright(right, up) >> (8 - bits))
        })
    };
    const NONE: (i64, i64) = (0, -1);
    let flat = (bright(-1, 0) + bright(0, 1)).saturating_sub(bright(-1, 1)).min(255);
    put([flat, 0, 0], 0);
    put([flat, w, 0], 0);
    put([flat >> 2, n, 0], 0);
    put([uppers(2, [(-3, -1), (-3, 3), (-2, 2), (-1, 1)]), 0, 0], 0);
    put([uppers(3, [(-2, -1), (-2, 2), (-1, 1), NONE]), 0, 0], 0);
    put([uppers(4, [(-2, -1), (-1, 1), (0, 0), NONE]), 0, 0], 0);
    put([uppers(1, [(-4, -1), (-4, 4), (-3, 3), (-2, 2)]), w, 0], 0);
    put([(bright(-1, 0) + bright(1, 1)) >> 2, bright(0, 1) >> 2, 0], 0);
    put([uppers(2, [(-3, -2), (-2, 2), (-1, 1), NONE]), w, n], 0);
}
