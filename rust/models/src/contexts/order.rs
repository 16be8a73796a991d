//! Order-n contexts: the last n bytes.

use super::{Contexts, Group, lowest};
use crate::Parsed;

/// `n` up to 8.
fn order(parsed: &Parsed, n: u32, out: &mut Contexts) {
    out.add([lowest(parsed.history.last8, n)]);
}

/// Orders 1 to 6.
pub const ORDERS_1_TO_6: Group = Group {
    name: "orders 1-6",
    contexts: 6,
    orders: &[1, 2, 3, 4, 5, 6],
    add: |parsed, out| (1..=6).for_each(|n| order(parsed, n, out)),
};

/// Orders 1, 2, 3, 4 and 6.
pub const ORDERS_1_2_3_4_6: Group = Group {
    name: "orders 1-4, 6",
    contexts: 5,
    orders: &[1, 2, 3, 4, 6],
    add: |parsed, out| [1, 2, 3, 4, 6].into_iter().for_each(|n| order(parsed, n, out)),
};

/// Orders 2, 4 and 6.
pub const ORDERS_2_4_6: Group = Group {
    name: "orders 2, 4, 6",
    contexts: 3,
    orders: &[2, 4, 6],
    add: |parsed, out| [2, 4, 6].into_iter().for_each(|n| order(parsed, n, out)),
};

/// Order 8.
pub const ORDER_8: Group =
    Group { name: "order 8", contexts: 1, orders: &[8], add: |parsed, out| order(parsed, 8, out) };

/// Order 11.
pub const ORDER_11: Group = Group {
    name: "order 11",
    contexts: 1,
    orders: &[],
    add: |parsed, out| out.add([parsed.history.last8, parsed.history.before8 & 0xff_ffff]),
};
