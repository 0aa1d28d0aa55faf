//! The guard of callers who are known by no credentials of their own: a web page in a browser on this machine could call as
//! they do. So such a call must not come from a page of elsewhere (`Origin`), nor under a name that somebody lets point here
//! (`Host`).

use super::problem::Problem;
use axum::http::{HeaderMap, StatusCode, header};
use std::net::IpAddr;

/// Refuses who does not call this machine by a name of this machine.
pub(super) fn check_host(headers: &HeaderMap, authority: Option<&str>) -> Result<(), Problem> {
    let host = host(headers);
    let Some(stranger) = authority.iter().chain(&host).find(|name| !is_local(name)) else {
        return Ok(());
    };
    let stranger: String = stranger.chars().take(100).collect();
    let message = format!("`{stranger}` is not a name of this machine");
    let problem = Problem::new(StatusCode::MISDIRECTED_REQUEST, "NOT_LOCAL", message);
    Err(problem.hint("use 127.0.0.1, [::1] or localhost"))
}

/// Refuses who comes from a page of elsewhere.
pub(super) fn check_origin(headers: &HeaderMap, tls: bool) -> Result<(), Problem> {
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    let scheme = if tls { "https" } else { "http" };
    let same = |host| origin.as_bytes() == format!("{scheme}://{host}").as_bytes();
    if host(headers).is_some_and(same) {
        return Ok(());
    }
    let message = "pages of other sites may not call this factory";
    Err(Problem::new(StatusCode::FORBIDDEN, "FOREIGN_ORIGIN", message))
}

fn host(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::HOST).map(|host| host.to_str().unwrap_or_default())
}

fn is_local(authority: &str) -> bool {
    let name = match authority.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => authority,
    };
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_this_machine_are_local_and_others_are_not() {
        for name in
            ["localhost", "LOCALHOST:8075", "127.0.0.1", "127.3.2.1:1", "[::1]:8075", "[::1]"]
        {
            assert!(is_local(name), "{name}");
        }
        for name in ["", "example.org", "127.0.0.1.example.org", "10.0.0.1:8075", "localhost.x:1"] {
            assert!(!is_local(name), "{name}");
        }
    }
}
