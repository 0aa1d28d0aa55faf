//! A network of a process's own.

use nix::sched::{CloneFlags, unshare};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};
use std::io;
use std::os::fd::AsRawFd;

/// Enters a network with nothing in it but, if asked for, an interface that leads back here.
pub(super) fn enter(loopback: bool) -> io::Result<()> {
    unshare(CloneFlags::CLONE_NEWNET)?;
    if loopback { bring_up_loopback() } else { Ok(()) }
}

#[expect(unsafe_code, reason = "no safe crate we use sets the flags of a network interface")]
fn bring_up_loopback() -> io::Result<()> {
    let socket = socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None)?;
    // SAFETY: all of it may be zero: it is a name and numbers.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(b"lo") {
        *to = libc::c_char::from_ne_bytes([*from]);
    }
    request.ifr_ifru.ifru_flags = i16::try_from(libc::IFF_UP).map_err(io::Error::other)?;
    // SAFETY: the request is an `ifreq`, as SIOCSIFFLAGS wants (netdevice(7)), and outlives the call.
    let set = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw const request) };
    if set == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
