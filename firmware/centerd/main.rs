//! The program `centerd`: reads the settings, runs, and ends with 0, or with 78 where a setting
//! cannot be used.

use core::time::Duration;
use std::path::PathBuf;
use std::process::ExitCode;

use centerd::api::limits::BLOCKING_MAX;
use centerd::config::{Config, EX_CONFIG};
use centerd::start::{self, StartError};
use clap::Parser;

/// Campaigns, agents, records, the API and the console of a Linebox.
#[derive(Parser)]
#[command(version, about)]
struct Args {
    /// The box model.
    #[arg(long, value_name = "FILE")]
    model: PathBuf,
    /// The folder in which everything lies that the box remembers.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Puts one value over the model.
    #[arg(long = "set", value_name = "TABLE.KEY=VALUE")]
    sets: Vec<String>,
}

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // Nothing can be done about a terminal that takes nothing.
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(EX_CONFIG) } else { ExitCode::SUCCESS };
        }
    };
    let filter = tracing_subscriber::EnvFilter::try_from_env("LINEBOX_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    let colours = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours);
    lines.with_writer(std::io::stderr).init();
    // Nobody but the box's user reads what it writes.
    nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o077));
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("centerd: {error}");
            let setting = matches!(error, StartError::Config(_));
            ExitCode::from(if setting { EX_CONFIG } else { 1 })
        }
    }
}

fn run(args: &Args) -> Result<(), StartError> {
    let config = Config::load(&args.model, &args.sets, args.data.as_deref())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(BLOCKING_MAX)
        .enable_all()
        .build()?;
    let ended = runtime.block_on(start::run(config));
    runtime.shutdown_timeout(Duration::from_millis(500));
    ended
}
