//! The program `pacer`: `pacer/1` on standard input and output.
//!
//! Exit status 0 after `bye` or at the end of the input, 1 when the driver breaks the protocol
//! (what broke and in which line is said on standard error), 2 when a pipe fails.

use std::io::{self, BufRead, Read, Write};
use std::process::ExitCode;

use pacer::limits::LINE_BYTES_MAX;
use pacer::{Reply, Session};

fn main() -> ExitCode {
    let mut input = io::stdin().lock();
    let mut output = io::stdout().lock();
    let mut session = Session::new();
    let mut line = Vec::with_capacity(LINE_BYTES_MAX + 2);
    for number in 1u64.. {
        line.clear();
        // One byte more than a line may have, so that a longer one is seen and never stored.
        let mut bounded = (&mut input).take(LINE_BYTES_MAX as u64 + 2);
        match bounded.read_until(b'\n', &mut line) {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) => {
                eprintln!("pacer: the input broke in line {number}: {error}");
                return ExitCode::from(2);
            }
        }
        while line.last().is_some_and(|&byte| byte == b'\n' || byte == b'\r') {
            line.pop();
        }
        let reply = match session.handle_line(&line) {
            Ok(Reply::Farewell) => break,
            Ok(reply) => reply,
            Err(refused) => {
                eprintln!("pacer: line {number}: {refused}");
                return ExitCode::from(1);
            }
        };
        let Some(text) = reply.emit() else { continue };
        if let Err(error) = writeln!(output, "{text}").and_then(|()| output.flush()) {
            eprintln!("pacer: the output broke after line {number}: {error}");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}
