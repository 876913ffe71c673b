//! The program `switchd`.
fn main() {}
