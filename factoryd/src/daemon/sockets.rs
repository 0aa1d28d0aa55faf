//! The daemon's sockets: opened by the service manager that started it, or by itself.
//!
//! A service manager passes open sockets by the protocol of systemd's socket activation. `listenfd` makes sockets of its
//! file descriptors, for that can't be done without `unsafe`; it checks that they are sockets, and plugins don't inherit
//! them. What the protocol says of processes and names is read here.

use super::Error;
use listenfd::ListenFd;
use std::io;
use std::net::SocketAddr;
use tokio::net::TcpListener;

/// Sockets that the service manager opened.
#[derive(Debug, Default)]
pub struct Sockets {
    /// Where gRPC is to be served.
    pub(super) grpc: Option<std::net::TcpListener>,
    /// Where REST is to be served.
    pub(super) rest: Option<std::net::TcpListener>,
}

/// A socket that is bound: its address is known, and nothing is accepted yet.
pub(super) struct Bound {
    pub(super) address: SocketAddr,
    pub(super) socket: TcpListener,
}

impl Sockets {
    /// Takes the sockets that were meant for this process. To be called once, before there are threads, for it changes the
    /// environment.
    ///
    /// # Errors
    /// If one is neither named `grpc` nor `rest`, comes twice, or is no listening TCP socket.
    pub fn inherited() -> Result<Self, Error> {
        let mut sockets = Self::default();
        if !is_meant_for_us(std::env::var("LISTEN_PID").ok().as_deref()) {
            return Ok(sockets);
        }
        let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
        let mut passed = ListenFd::from_env();
        let mut names = names.split(':');
        for index in 0..passed.len() {
            let name = names.next().unwrap_or_default();
            let failed = |source| Error::Inherited { name: name.to_owned(), source };
            let place = sockets.place(name).map_err(failed)?;
            *place = passed.take_tcp_listener(index).map_err(failed)?;
        }
        Ok(sockets)
    }

    /// Answers where gRPC is to be served, if there is a socket for it.
    pub fn grpc(&self) -> Option<SocketAddr> {
        self.grpc.as_ref()?.local_addr().ok()
    }

    /// Answers where REST is to be served, if there is a socket for it.
    pub fn rest(&self) -> Option<SocketAddr> {
        self.rest.as_ref()?.local_addr().ok()
    }

    fn place(&mut self, name: &str) -> io::Result<&mut Option<std::net::TcpListener>> {
        let place = match name {
            "grpc" => &mut self.grpc,
            "rest" => &mut self.rest,
            _ => {
                let hint = "the daemon has no use for it: FileDescriptorName= must be grpc or rest";
                return Err(io::Error::other(hint));
            }
        };
        if place.is_some() {
            return Err(io::Error::other("it came twice: the daemon has one socket of each name"));
        }
        Ok(place)
    }
}

/// Variables of other processes may have been handed on.
fn is_meant_for_us(pid: Option<&str>) -> bool {
    pid.and_then(|pid| pid.parse().ok()) == Some(std::process::id())
}

/// Takes over a socket, or binds one.
pub(super) async fn bind(
    inherited: Option<std::net::TcpListener>,
    address: SocketAddr,
) -> Result<Bound, Error> {
    let failed = |source| Error::Bind { address, source };
    let socket = match inherited {
        Some(socket) => adopt(socket).map_err(failed)?,
        None => TcpListener::bind(address).await.map_err(failed)?,
    };
    Ok(Bound { address: socket.local_addr().map_err(failed)?, socket })
}

/// Takes over another socket, or binds one if it is wanted.
pub(super) async fn bind_if(
    inherited: Option<std::net::TcpListener>,
    address: Option<SocketAddr>,
) -> Result<Option<Bound>, Error> {
    let Some(address) = address else { return Ok(None) };
    bind(inherited, address).await.map(Some)
}

fn adopt(socket: std::net::TcpListener) -> io::Result<TcpListener> {
    socket.set_nonblocking(true)?;
    TcpListener::from_std(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_meant_for_another_process_is_left_alone() {
        let ours = std::process::id().to_string();
        assert!(is_meant_for_us(Some(&ours)));
        for other in [None, Some(""), Some("1"), Some("x")] {
            assert!(!is_meant_for_us(other), "{other:?}");
        }
    }

    #[test]
    fn a_socket_needs_a_name_that_is_known_and_new() {
        let mut sockets = Sockets::default();
        assert!(sockets.place("factoryd.socket").is_err());
        *sockets.place("rest").unwrap() = std::net::TcpListener::bind("127.0.0.1:0").ok();
        assert!(sockets.place("rest").is_err());
        assert!(sockets.place("grpc").is_ok());
    }
}
