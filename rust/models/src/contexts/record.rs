//! Record contexts: binary tables of fixed record length.

use super::Group;

/// The bytes one and two records before, and the place in the record.
pub const RECORD: Group = Group {
    name: "record",
    contexts: 5,
    add: |parsed, out| {
        let len = parsed.records.len.clamp(1, 1 << 20);
        let history = &parsed.history;
        let above = u64::from(history.back(len));
        let above2 = u64::from(history.back(2 * len));
        let before = u64::from(history.back(len + 1));
        let last = history.last8;
        let place = history.len % len;
        out.add([len, above, above2]);
        out.add([len, above, last & 0xff]);
        out.add([len, place, last & 0xff]);
        out.add([len, place, above]);
        out.add([len, above, before, last & 0xff]);
    },
};

/// The byte one record before, with the last byte.
pub const RECORD_ABOVE: Group = Group {
    name: "record above",
    contexts: 1,
    add: |parsed, out| {
        let len = parsed.records.len.clamp(1, 1 << 20);
        out.add([len, u64::from(parsed.history.back(len)), parsed.history.last8 & 0xff]);
    },
};

/// Wider neighbourhoods of the byte one record before.
pub const RECORD_MORE: Group = Group {
    name: "record more",
    contexts: 4,
    add: |parsed, out| {
        let len = parsed.records.len.clamp(1, 1 << 20);
        let history = &parsed.history;
        let above = u64::from(history.back(len));
        let next = u64::from(history.back(len.saturating_sub(1).max(1)));
        let place = history.len % len;
        let last = history.last8;
        out.add([len, above, last & 0xffff]);
        out.add([len, place, last & 0xffff]);
        out.add([len, above, next, place]);
        out.add([len, above.wrapping_sub(u64::from(history.back(len + 1))).wrapping_add(last) & 0xff, place]);
    },
};

/// The value that the key had the last time, and the numbers that stood here before: for structured
/// text.
pub const VALUES: Group = Group {
    name: "values",
    contexts: 3,
    add: |parsed, out| {
        let numbers = &parsed.numbers;
        let [value, further] = parsed.places.value(&parsed.history);
        out.add([value, further, parsed.places.key]);
        out.add([numbers.next(), numbers.last(), numbers.ahead(), numbers.step()]);
        out.add([numbers.ahead(), numbers.last(), u64::from(numbers.left()), u64::from(numbers.digits())]);
    },
};
