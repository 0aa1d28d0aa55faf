//! D.

fn main() {}
