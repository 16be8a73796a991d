//! Record contexts: binary tables of fixed record length.

use super::Group;

/// The bytes one and two records before, and the place in the record.
pub const RECORD: Group = Group {
    name: "record",
    contexts: 5,
    orders: &[],
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
    orders: &[],
    add: |parsed, out| {
        let len = parsed.records.len.clamp(1, 1 << 20);
        out.add([len, u64::from(parsed.history.back(len)), parsed.history.last8 & 0xff]);
    },
};

/// Wider neighbourhoods of the byte one record before.
pub const RECORD_MORE: Group = Group {
    name: "record more",
    contexts: 4,
    orders: &[],
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

/// Where in a field of variable length this is, and how far behind a zero, with the last bytes.
pub const FIELDS: Group = Group {
    name: "fields",
    contexts: 8,
    orders: &[],
    add: |parsed, out| {
        let (zero, place) = (parsed.fields.since_zero(), parsed.fields.place());
        let last = parsed.history.last8;
        out.add([zero, last & 0xff]);
        out.add([zero, last & 0xffff]);
        out.add([zero, last & 0xff_ffff]);
        out.add([place, last & 0xff]);
        out.add([place, last & 0xffff]);
        out.add([place, last & 0xff_ffff]);
        out.add([place, u64::from(parsed.fields.len)]);
        out.add([place, zero]);
    },
};

/// The three of these that say most.
pub const FIELDS_FEW: Group = Group {
    name: "fields few",
    contexts: 3,
    orders: &[],
    add: |parsed, out| {
        let (zero, place) = (parsed.fields.since_zero(), parsed.fields.place());
        let last = parsed.history.last8;
        out.add([zero, last & 0xffff]);
        out.add([place, last & 0xff]);
        out.add([place, last & 0xffff]);
    },
};

/// The place in a field, with the last bytes.
pub const FIELD_PLACE: Group = Group {
    name: "field place",
    contexts: 2,
    orders: &[],
    add: |parsed, out| {
        let place = parsed.fields.place();
        out.add([place, parsed.history.last8 & 0xff]);
        out.add([place, parsed.history.last8 & 0xffff]);
    },
};

/// The value that the key had the last time, and the numbers that stood here before: for structured
/// text.
pub const VALUES: Group = Group {
    name: "values",
    contexts: 3,
    orders: &[],
    add: |parsed, out| {
        let numbers = &parsed.numbers;
        let [value, further] = parsed.places.value(&parsed.history);
        out.add([value, further, parsed.places.key]);
        out.add([numbers.next(), numbers.last(), numbers.ahead(), numbers.step()]);
        out.add(match parsed.steps.expected() {
            Some([characters, place]) => [characters, place, parsed.history.last8 & 0xff, 1 << 32],
            None => [numbers.ahead(), numbers.last(), numbers.left().into(), numbers.digits().into()],
        });
    },
};
