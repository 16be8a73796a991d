//! Tables of plain numbers, aligned to cache lines and backed by large pages where allowed.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::fs::File;
use std::io;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

use memmap2::{Mmap, MmapMut};

/// A number for which all-zero bytes are a valid value and every byte pattern is allowed.
///
/// # Safety
/// Only for integers (and arrays of them) without padding.
pub unsafe trait Plain: Copy + 'static {}
// SAFETY: integers have no padding and no invalid values.
unsafe impl Plain for u8 {}
// SAFETY: as above.
unsafe impl Plain for u16 {}
// SAFETY: as above.
unsafe impl Plain for i16 {}
// SAFETY: as above.
unsafe impl Plain for u32 {}
// SAFETY: as above.
unsafe impl Plain for i32 {}
// SAFETY: as above.
unsafe impl Plain for u64 {}

/// A table of `len` zeros when made, starting on a cache line. Pages that are never written
/// cost no memory on systems that allocate lazily.
pub struct Table<T: Plain> {
    start: NonNull<T>,
    len: usize,
    /// Where the numbers are if the table is large; else `start` is a heap allocation.
    pages: Option<MmapMut>,
}

const LARGE_PAGE_BYTES: usize = 2 << 20;
/// From this size on a table has pages of its own, large ones where the system allows it: a
/// random access then misses the cache only, not the translation of addresses as well.
const PAGED_BYTES: usize = 2 * LARGE_PAGE_BYTES;

/// Starts to fetch the cache line of an address, whatever it is.
#[inline(always)]
fn fetch<T>(address: *const T) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: prefetching reads nothing.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) };
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: as above.
    unsafe {
        std::arch::asm!("prfm pldl1keep, [{0}]", in(reg) address, options(nostack, preserves_flags, readonly));
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let _ = address;
}

impl<T: Plain> Table<T> {
    fn layout(len: usize) -> Option<Layout> {
        let bytes = len.checked_mul(size_of::<T>())?;
        Layout::from_size_align(bytes.max(1), 64).ok()
    }

    /// `None` if the memory cannot be had.
    pub fn try_new(len: usize) -> Option<Self> {
        let layout = Self::layout(len)?;
        if layout.size() < PAGED_BYTES {
            // SAFETY: the layout's size is not zero.
            let start = NonNull::new(unsafe { alloc_zeroed(layout) })?;
            return Some(Table { start: start.cast(), len, pages: None });
        }
        // One large page more, so that the table can start on one.
        let mut pages = MmapMut::map_anon(layout.size().checked_add(LARGE_PAGE_BYTES)?).ok()?;
        // Not all systems have large pages to give; small ones do as well, only slower.
        #[cfg(target_os = "linux")]
        let _ = pages.advise(memmap2::Advice::HugePage);
        let skipped = pages.as_ptr().align_offset(LARGE_PAGE_BYTES);
        let start = NonNull::new(pages[skipped..][..layout.size()].as_mut_ptr())?;
        Some(Table { start: start.cast(), len, pages: Some(pages) })
    }

    /// Starts to fetch the cache line of element `index`; past the end it is of no use.
    #[inline(always)]
    pub fn prefetch(&self, index: usize) {
        fetch(self.start.as_ptr().wrapping_add(index));
    }
}

impl<T: Plain> Table<T> {
    /// A table of the same numbers; `None` if the memory cannot be had.
    pub fn try_clone(&self) -> Option<Self> {
        let mut twin = Table::try_new(self.len)?;
        twin.copy_from_slice(self);
        Some(twin)
    }
}

impl<T: Plain> Deref for Table<T> {
    type Target = [T];
    #[inline(always)]
    fn deref(&self) -> &[T] {
        // SAFETY: `len` initialised elements, owned by this table.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }
}

impl<T: Plain> DerefMut for Table<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as in `deref`, and `self` is borrowed alone.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
    }
}

impl<T: Plain> Drop for Table<T> {
    fn drop(&mut self) {
        if let (None, Some(layout)) = (&self.pages, Self::layout(self.len)) {
            // SAFETY: allocated in `try_new` with this very layout.
            unsafe { dealloc(self.start.as_ptr().cast(), layout) };
        }
    }
}

// SAFETY: the table owns its plain numbers, like a boxed slice.
unsafe impl<T: Plain + Send> Send for Table<T> {}
// SAFETY: shared access only reads.
unsafe impl<T: Plain + Sync> Sync for Table<T> {}

impl<T: Plain> std::fmt::Debug for Table<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Table({} x {} bytes)", self.len, size_of::<T>())
    }
}

/// Bytes that nobody writes any more: a table, or a part of a file mapped read-only that other
/// processes share.
#[derive(Debug)]
pub struct SharedBytes(Held);

#[derive(Debug)]
enum Held {
    Table(Table<u8>),
    Mapped(Mmap, std::ops::Range<usize>),
}

impl SharedBytes {
    /// Maps `len` bytes of a file from `offset` on; an error if it has fewer.
    ///
    /// The file must not be changed while it is mapped: it is one that is written under another
    /// name, renamed when it is complete, and never opened for writing again.
    pub fn map(file: &File, offset: u64, len: usize) -> io::Result<SharedBytes> {
        let end = usize::try_from(offset).ok().and_then(|start| start.checked_add(len));
        match end {
            Some(end) if file.metadata()?.len() >= end as u64 => {
                // SAFETY: the bytes are only read, and every pattern of them is valid. That the
                // file stays as it is, is asked of the caller; if another program breaks that,
                // what is read is wrong, as on any memory that others may write.
                let map = unsafe { Mmap::map(file)? };
                Ok(SharedBytes(Held::Mapped(map, end - len..end)))
            }
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    /// The table, to be written to again; `None` if it is a part of a file.
    pub fn into_table(self) -> Option<Table<u8>> {
        match self.0 {
            Held::Table(table) => Some(table),
            Held::Mapped(..) => None,
        }
    }

    /// Whether it is a part of a file.
    pub fn is_mapped(&self) -> bool {
        matches!(self.0, Held::Mapped(..))
    }

    /// Starts to fetch the cache line of byte `index`; past the end nothing happens.
    #[inline(always)]
    pub fn prefetch(&self, index: usize) {
        if let Some(byte) = self.get(index) {
            fetch(byte);
        }
    }
}

impl From<Table<u8>> for SharedBytes {
    fn from(table: Table<u8>) -> SharedBytes {
        SharedBytes(Held::Table(table))
    }
}

impl Deref for SharedBytes {
    type Target = [u8];
    #[inline(always)]
    fn deref(&self) -> &[u8] {
        match &self.0 {
            Held::Table(table) => table,
            Held::Mapped(map, range) => &map[range.clone()],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_as_zeros_on_a_cache_line() {
        for len in [0, 1, 63, 1 << 12, (4 << 20) + 1] {
            let mut table = Table::<u16>::try_new(len).unwrap();
            assert_eq!(table.as_ptr() as usize % 64, 0);
            assert!(table.iter().all(|&x| x == 0));
            if let Some(last) = table.last_mut() {
                *last = 7;
            }
            table.prefetch(len / 2);
            table.prefetch(len + 1000);
        }
        assert!(Table::<u64>::try_new(usize::MAX / 4).is_none());
    }

    #[test]
    fn a_clone_has_the_same_numbers() {
        let mut table = Table::<u32>::try_new(1000).unwrap();
        table[999] = 7;
        let mut twin = table.try_clone().unwrap();
        assert_eq!(twin[..], table[..]);
        twin[0] = 1;
        assert_eq!(table[0], 0);
    }

    #[test]
    fn a_part_of_a_file_is_shared() {
        let path = std::env::temp_dir().join(format!("foretold-shared-{}", std::process::id()));
        std::fs::write(&path, b"heading, bytes").unwrap();
        let file = File::open(&path).unwrap();
        let shared = SharedBytes::map(&file, 9, 5).unwrap();
        assert_eq!(&shared[..], b"bytes");
        assert!(SharedBytes::map(&file, 9, 5).unwrap().into_table().is_none());
        let table = SharedBytes::from(Table::try_new(9).unwrap()).into_table().unwrap();
        assert_eq!(table[..], [0; 9]);
        shared.prefetch(4);
        shared.prefetch(5);
        assert!(SharedBytes::map(&file, 9, 6).is_err());
        assert!(SharedBytes::map(&file, u64::MAX, 1).is_err());
        std::fs::remove_file(&path).unwrap();
    }
}
