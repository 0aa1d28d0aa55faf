//! Locks that a panic elsewhere can't take away.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks. The data behind our locks is whole between any two statements, so a panic of another holder does no harm.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
