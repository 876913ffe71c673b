//! The program `town`: simulated customers and agents for a box that has none.

use std::path::PathBuf;
use std::process::ExitCode;

use board_sim::config::{Config, EX_CONFIG};
use board_sim::program::{self, ProgramError};
use clap::Parser;
use tracing_subscriber::EnvFilter;

/// Simulated customers at a simulated carrier, and simulated agents at their phones, over loopback.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The box model, a TOML file.
    #[arg(long)]
    model: PathBuf,
    /// Where the box keeps its data: there lie the sockets of its spans. The town keeps none.
    #[arg(long)]
    data: Option<PathBuf>,
    /// One setting over the model's, as in town.sip=15070. May be given again.
    #[arg(long = "set", value_name = "TABLE.KEY=VALUE")]
    sets: Vec<String>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let filter = EnvFilter::try_from_env("LINEBOX_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_writer(std::io::stderr).with_env_filter(filter);
    log.with_ansi(false).init();
    let data = arguments.data.or_else(|| std::env::var_os("LINEBOX_DATA").map(PathBuf::from));
    let config = Config::load(&arguments.model, &arguments.sets).map_err(ProgramError::from);
    let config = config.map(|config| match data {
        Some(data) => Config { data, ..config },
        None => config,
    });
    match config.and_then(|config| program::run(&config)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::from(match error {
                ProgramError::Config(_) => EX_CONFIG,
                ProgramError::System { .. } | ProgramError::Voice(_) => 1,
            })
        }
    }
}
