#![no_main]

#[path = "../checks/oauth_header.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::check(bytes));
