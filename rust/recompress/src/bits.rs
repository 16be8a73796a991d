//! Bits of bytes, the lowest of each byte first.

/// Reads bits from a place on.
#[derive(Clone, Debug)]
pub struct BitReader<'a> {
    bytes: &'a [u8],
    /// The next byte to take in.
    at: usize,
    /// Bits taken in and not given out, the next lowest.
    held: u64,
    count: u32,
}

impl<'a> BitReader<'a> {
    /// From bit `skip` of the first byte on.
    pub fn new(bytes: &'a [u8], skip: u32) -> BitReader<'a> {
        let mut reader = BitReader { bytes, at: 0, held: 0, count: 0 };
        reader.refill();
        if skip > 0 && reader.count >= skip {
            reader.drop(skip);
        }
        reader
    }

    fn refill(&mut self) {
        while self.count <= 56 && self.at < self.bytes.len() {
            self.held |= u64::from(self.bytes[self.at]) << self.count;
            self.at += 1;
            self.count += 8;
        }
    }

    /// The next bits as far as they are there, 16 at most, others zeros; and how many are there.
    pub fn peek(&mut self) -> (u32, u32) {
        if self.count < 16 {
            self.refill();
        }
        (self.held as u32 & 0xffff, self.count)
    }

    /// Passes over bits that are there.
    pub fn drop(&mut self, count: u32) {
        self.held >>= count;
        self.count -= count;
    }

    /// The next bits, 16 at most; `None` if there are fewer.
    pub fn take(&mut self, count: u32) -> Option<u32> {
        let (bits, there) = self.peek();
        if there < count {
            return None;
        }
        self.drop(count);
        Some(bits & ((1 << count) - 1))
    }

    /// Bits passed over so far, `skip` included.
    pub fn position(&self) -> usize {
        8 * self.at - self.count as usize
    }

    /// The rest of a byte that was begun, and how many bits that is.
    pub fn end_byte(&mut self) -> (u32, u32) {
        let count = self.count % 8;
        let rest = self.held as u32 & ((1 << count) - 1);
        self.drop(count);
        (rest, count)
    }
}

/// Writes bits; whole bytes go out.
#[derive(Debug)]
pub struct BitWriter<'a> {
    out: &'a mut Vec<u8>,
    held: u64,
    count: u32,
}

impl<'a> BitWriter<'a> {
    /// After `count` bits of a byte that are there already.
    pub fn new(out: &'a mut Vec<u8>, held: u32, count: u32) -> BitWriter<'a> {
        BitWriter { out, held: held.into(), count }
    }

    /// Writes the lowest `count` bits, 32 at most.
    pub fn put(&mut self, bits: u32, count: u32) {
        self.held |= u64::from(bits) << self.count;
        self.count += count;
        while self.count >= 8 {
            self.out.push(self.held as u8);
            self.held >>= 8;
            self.count -= 8;
        }
    }

    /// Bits of the byte that is not complete, and how many.
    pub fn held(&self) -> (u32, u32) {
        (self.held as u32, self.count)
    }

    /// Bytes written.
    pub fn len(&self) -> usize {
        self.out.len()
    }

    /// Completes the byte.
    pub fn end_byte(&mut self, rest: u32) {
        if self.count > 0 {
            let count = 8 - self.count;
            self.put(rest & ((1 << count) - 1), count);
        }
    }

    /// Writes bytes, where one begins.
    pub fn bytes(&mut self, bytes: &[u8]) {
        debug_assert_eq!(self.count, 0);
        self.out.extend_from_slice(bytes);
    }
}
