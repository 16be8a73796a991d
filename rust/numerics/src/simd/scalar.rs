//! The definition of every kernel.

pub(super) fn dot_sets(inputs: &[i16], weights: &[i16], offsets: &[u32], sums: &mut [i32]) {
    for (sum, &offset) in sums.iter_mut().zip(offsets) {
        let set = &weights[offset as usize..][..inputs.len()];
        *sum = inputs
            .iter()
            .zip(set)
            .fold(0, |sum: i32, (&x, &w)| sum.wrapping_add(i32::from(x) * i32::from(w)));
    }
}

pub(super) fn train_sets(inputs: &[i16], weights: &mut [i16], offsets: &[u32], errors: &[i16]) {
    for (&error, &offset) in errors.iter().zip(offsets) {
        if error == 0 {
            continue;
        }
        let set = &mut weights[offset as usize..][..inputs.len()];
        for (w, &x) in set.iter_mut().zip(inputs) {
            let product = (((i32::from(x) * i32::from(error)) >> 14) + 1) >> 1;
            // Only -32768 * -32768 leaves i16 here; the instruction this mirrors wraps it.
            *w = w.saturating_add(product as i16);
        }
    }
}
