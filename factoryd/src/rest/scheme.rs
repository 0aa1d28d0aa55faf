//! Whether a client speaks https: to us, or to a proxy on this machine that ends TLS for us and says so.
//!
//! It matters where the client's own address of a request counts: in what OAuth signs, and in the links of answers.

use crate::access::Peer;
use axum::http::{Extensions, HeaderMap};

/// What proxies say the client's scheme with.
const FORWARDED: &str = "x-forwarded-proto";

/// Tells whether the client's address begins with `https`. A proxy elsewhere is not believed.
pub(super) fn is_https(extensions: &Extensions, headers: &HeaderMap) -> bool {
    let Some(peer) = extensions.get::<Peer>() else { return false };
    let forwarded = || headers.get(FORWARDED).is_some_and(|scheme| scheme == "https");
    peer.tls || (peer.is_local() && forwarded())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn told(peer: Option<Peer>, forwarded: Option<&'static str>) -> bool {
        let (mut extensions, mut headers) = (Extensions::new(), HeaderMap::new());
        peer.map(|peer| extensions.insert(peer));
        forwarded.map(|scheme| headers.insert(FORWARDED, HeaderValue::from_static(scheme)));
        is_https(&extensions, &headers)
    }

    #[test]
    fn a_proxy_on_this_machine_is_believed_and_no_other() {
        let near = || Peer::plain(([127, 0, 0, 1], 1).into());
        let far = || Peer::plain(([192, 0, 2, 1], 1).into());
        assert!(told(Some(near()), Some("https")));
        assert!(told(Some(Peer { tls: true, ..far() }), None));
        for (peer, forwarded) in [
            (Some(near()), None),
            (Some(near()), Some("http")),
            (Some(far()), Some("https")),
            (None, Some("https")),
        ] {
            assert!(!told(peer, forwarded));
        }
    }
}
