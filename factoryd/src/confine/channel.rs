//! The socket between the factory and an init: messages of JSON, with descriptors beside them.

use rustix::io::Errno;
use rustix::net::sockopt::set_socket_passcred;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};
use rustix::process::Pid;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// The longest message, in bytes.
const MESSAGE_LEN_MAX: usize = 64 * 1024;
/// The most descriptors beside a message.
const DESCRIPTORS_MAX: usize = 4;

/// A message as it came.
#[derive(Debug)]
pub(super) struct Received<T> {
    pub(super) message: T,
    pub(super) descriptors: Vec<OwnedFd>,
    /// Who sent it, in our own view of processes; known to the factory's end only.
    pub(super) sender: Option<Pid>,
}

/// Makes the two ends: the factory's, which learns who sends, and the init's.
pub(super) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    // Messages keep their boundaries, and the end of the other end shows.
    let (ours, inits) =
        socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
    set_socket_passcred(&ours, true)?;
    Ok((ours, inits))
}

/// Writes a message.
pub(super) fn encode(message: &impl Serialize) -> io::Result<Vec<u8>> {
    let bytes = serde_json::to_vec(message)?;
    if MESSAGE_LEN_MAX < bytes.len() {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the message is too long"));
    }
    Ok(bytes)
}

/// Sends a message that was [encoded](encode). Allocates nothing.
pub(super) fn send(
    socket: BorrowedFd<'_>,
    message: &[u8],
    descriptors: &[BorrowedFd<'_>],
) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
    let mut beside = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() && !beside.push(SendAncillaryMessage::ScmRights(descriptors)) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    retry(|| sendmsg(socket, &[IoSlice::new(message)], &mut beside, SendFlags::NOSIGNAL))?;
    Ok(())
}

/// Waits for a message; `None` at the end of the other end.
pub(super) fn receive<T: DeserializeOwned>(socket: impl AsFd) -> io::Result<Option<Received<T>>> {
    let mut bytes = vec![0; MESSAGE_LEN_MAX];
    let mut space =
        [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX), ScmCredentials(1))];
    let mut beside = RecvAncillaryBuffer::new(&mut space);
    let received = retry(|| {
        let mut into = [IoSliceMut::new(&mut bytes)];
        recvmsg(&socket, &mut into, &mut beside, RecvFlags::CMSG_CLOEXEC)
    });
    let len = match received {
        Ok(received) => received.bytes,
        // The other end went with messages of ours unread.
        Err(Errno::CONNRESET) => 0,
        Err(error) => return Err(error.into()),
    };
    let (mut descriptors, mut sender) = (Vec::new(), None);
    for message in beside.drain() {
        match message {
            RecvAncillaryMessage::ScmRights(received) => descriptors.extend(received),
            RecvAncillaryMessage::ScmCredentials(credentials) => sender = Some(credentials.pid),
            _ => {}
        }
    }
    if len == 0 {
        return Ok(None);
    }
    let message = serde_json::from_slice(&bytes[..len])?;
    Ok(Some(Received { message, descriptors, sender }))
}

fn retry<T>(mut call: impl FnMut() -> rustix::io::Result<T>) -> rustix::io::Result<T> {
    loop {
        match call() {
            Err(Errno::INTR) => {}
            other => return other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    #[test]
    fn a_message_comes_whole_with_its_descriptors_and_its_sender() {
        let (ours, inits) = pair().unwrap();
        let (mut reader, mut writer) = io::pipe().unwrap();
        send(inits.as_fd(), &encode(&"one").unwrap(), &[reader.as_fd()]).unwrap();
        send(inits.as_fd(), &encode(&"two").unwrap(), &[]).unwrap();
        let one = receive::<String>(&ours).unwrap().unwrap();
        let two = receive::<String>(&ours).unwrap().unwrap();
        assert_eq!((one.message.as_str(), two.message.as_str()), ("one", "two"));
        assert_eq!(one.sender, Some(rustix::process::getpid()));
        assert_eq!((one.descriptors.len(), two.descriptors.len()), (1, 0));
        writer.write_all(b"x").unwrap();
        drop(writer);
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, "x");
    }

    #[test]
    fn the_end_of_the_other_end_shows_and_what_is_no_message_is_an_error() {
        let (ours, inits) = pair().unwrap();
        send(inits.as_fd(), b"{", &[]).unwrap();
        drop(inits);
        assert!(receive::<String>(&ours).is_err());
        assert!(receive::<String>(&ours).unwrap().is_none());
    }
}
