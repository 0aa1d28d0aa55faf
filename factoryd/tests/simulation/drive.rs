//! Work that other threads have a part in, done to its end as if nothing else ran.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

/// How often a thread lets others go before it sleeps.
const YIELDS_MAX: u32 = 20;

/// Does work to its end on this thread, on which nothing else runs until then.
pub(crate) fn drive<T>(work: impl Future<Output = T>) -> T {
    let bell = Arc::new(Bell { thread: std::thread::current(), rings: AtomicBool::new(false) });
    let waker = Waker::from(bell.clone());
    let mut context = Context::from_waker(&waker);
    let mut work = pin!(tokio::task::unconstrained(work));
    loop {
        match work.as_mut().poll(&mut context) {
            Poll::Ready(done) => return done,
            Poll::Pending => bell.wait(),
        }
    }
}

/// Tells a thread that something it waits for is there.
struct Bell {
    thread: Thread,
    rings: AtomicBool,
}

impl Bell {
    /// Waits for it to ring. The other thread has this one's processor, so it is let go first, which costs less than to sleep.
    fn wait(&self) {
        for _ in 0..YIELDS_MAX {
            if self.rings.swap(false, Ordering::AcqRel) {
                return;
            }
            std::thread::yield_now();
        }
        while !self.rings.swap(false, Ordering::AcqRel) {
            std::thread::park();
        }
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.rings.store(true, Ordering::Release);
        self.thread.unpark();
    }
}
