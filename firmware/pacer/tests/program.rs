//! The program over real pipes: its answers, its exit status, what it says when it ends.
#![allow(clippy::unwrap_used)]

use std::io::Write;
use std::process::{Command, Output, Stdio};

fn told(input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_pacer"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that has already refused may have closed the pipe: that is its right.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

const HELLO: &str = r#"{"ev":"hello","proto":"pacer/1","tick_s":1.0,"connect_s":2.0}"#;
const DAY: &str = r#"{"ev":"day","t":0.0,"day":0,"end_s":28800.0,"seats":2,"lines":16,"cap":0.03,"ring_timeout_s":25.0}"#;

#[test]
fn it_answers_hello_and_every_tick_with_one_line_and_ends_well_after_bye() {
    let input = [
        HELLO,
        DAY,
        r#"{"ev":"ready","t":0.4,"agent":0}"#,
        r#"{"ev":"tick","t":1.0,"free_lines":16}"#,
        r#"{"ev":"later","t":1.0}"#,
        r#"{"ev":"tick","t":2.0,"free_lines":0}"#,
        r#"{"ev":"day_end","t":28830.0}"#,
        r#"{"ev":"bye"}"#,
    ]
    .join("\n");
    let output = told(input.as_bytes());
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(
        said.lines().collect::<Vec<_>>(),
        [r#"{"ok":"pacer/1","name":"linebox"}"#, r#"{"dial":1}"#, r#"{"dial":0}"#]
    );
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn wrong_input_ends_it_with_a_message_and_a_status() {
    for (input, message) in [
        ("nonsense\n".to_owned(), "line 1"),
        (format!("{HELLO}\n{DAY}\n{{\"ev\":\"ready\",\"t\":1}}\n"), "line 3"),
        (format!("{}\n", "x".repeat(5_000)), "more than 4096"),
        (format!("{HELLO}\n{}\n", r#"{"ev":"tick","t":1.0,"free_lines":1}"#), "before day"),
        (format!("{HELLO}\n\u{0}\u{1}\n"), "line 2"),
    ] {
        let output = told(input.as_bytes());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(message) && !said.contains("panicked"), "{said}");
    }
}
