//! Tables of plain numbers, aligned to cache lines and backed by large pages where allowed.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

use memmap2::MmapMut;

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

    /// Starts to fetch the cache line of element `index`; past the end nothing happens.
    #[inline(always)]
    pub fn prefetch(&self, index: usize) {
        #[cfg(target_arch = "x86_64")]
        if index < self.len {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            // SAFETY: the address lies inside the table, and prefetching reads nothing.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(self.start.as_ptr().add(index).cast()) };
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = index;
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
}
