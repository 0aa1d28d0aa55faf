//! The line a plugin prints first.

use factory_proto::handshake::Handshake;

pub(crate) fn check(bytes: &[u8]) {
    let line = String::from_utf8_lossy(bytes);
    match Handshake::parse(&line) {
        Ok(handshake) => {
            assert!(Handshake::looks_like(&line));
            assert_eq!(Handshake::parse(&handshake.to_string()), Ok(handshake));
        }
        Err(error) => assert!(error.to_string().len() <= line.len() + 100),
    }
}
