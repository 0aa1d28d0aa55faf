//! The `Authorization` header of OAuth 1.0a.

use factoryd::access::oauth::Header;

/// Why a header is refused is said in words of ours, and in few.
const MESSAGE_LEN_MAX: usize = 100;

pub(crate) fn check(bytes: &[u8]) {
    match Header::parse(bytes) {
        Ok(header) => {
            // Room for what is added, as a header may not be of any length.
            if bytes.len() < 8000 {
                let (scheme, rest) = bytes.split_at(5);
                let shouted = [scheme.to_ascii_uppercase().as_slice(), rest].concat();
                means_the_same(&shouted, &header);
                means_the_same(&[bytes, b" , \t,"].concat(), &header);
                means_the_same(&[scheme, b" ,", rest].concat(), &header);
                means_the_same(&[bytes, b",realm=\"\""].concat(), &header);
            }
        }
        Err(refused) => assert!(refused.to_string().len() < MESSAGE_LEN_MAX),
    }
}

/// Says the same in other words, unless those name a realm for the second time or one parameter too many.
fn means_the_same(bytes: &[u8], header: &Header) {
    match Header::parse(bytes) {
        Ok(again) => assert!(&again == header, "{}", String::from_utf8_lossy(bytes)),
        Err(refused) => {
            let why = refused.to_string();
            assert!(why.contains("twice") || why.contains("more than"), "{why}");
        }
    }
}
