//! Hints to the machine: they change how fast something is and in how much memory, never what comes of it.
//!
//! Owns the only `unsafe` of the workspace, for two things that the standard library has no safe word for. `docs/design/hints.md` says
//! why each is worth it.

/// An allocation at least this large gets pages of its own, which go back to the kernel when it is freed. What is used
/// again and again (a batch's buffers are) does not pay for fresh pages each time.
pub const OWN_PAGES_BYTES: usize = 512 << 10;
/// So much free memory at the end of a heap goes back too.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const KEPT_FREE_BYTES: i32 = 4 << 20;

/// Settles how this process's heap gives memory back. Called once, first thing in `main`; everything else allocates as it always does.
/// Where the C library is another than GNU's there is nothing to settle.
pub fn settle_heap() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        let own_pages = i32::try_from(OWN_PAGES_BYTES).unwrap_or(i32::MAX);
        // What it refuses stays as it was, and nothing but memory depends on it.
        #[expect(
            unsafe_code,
            reason = "the C library has no other way; see docs/design/hints.md"
        )]
        // SAFETY: `mallopt` takes two integers by value and keeps no reference to anything of ours. It is thread-safe, since it takes
        // the allocator's own lock, and the parameters are two that it documents.
        unsafe {
            libc::mallopt(libc::M_MMAP_THRESHOLD, own_pages);
            libc::mallopt(libc::M_TRIM_THRESHOLD, KEPT_FREE_BYTES);
        }
    }
}

/// Asks for the line of memory where a value begins, and does not wait for it. On processors without a word for it nothing is asked.
#[inline]
pub fn prefetch<T>(value: &T) {
    #[cfg(target_arch = "x86_64")]
    {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        #[expect(
            unsafe_code,
            reason = "the standard library's safe word for it is not stable yet; see docs/design/hints.md"
        )]
        // SAFETY: the address is one of a value that is borrowed, and every x86-64 has the instruction, which reads nothing into the
        // program and faults at no address.
        unsafe {
            _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(value).cast());
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = value;
}
