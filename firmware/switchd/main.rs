//! The program `switchd`: reads its settings, runs, and exits with a code that the supervisor
//! understands.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use switchd::config::Config;
use switchd::start::{self, StartError};
use tracing_subscriber::EnvFilter;

/// Lines, signalling and sound of the box.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The box model, a TOML file.
    #[arg(long)]
    model: PathBuf,
    /// Where everything the box remembers lies; wins over LINEBOX_DATA, which wins over data.dir.
    #[arg(long)]
    data: Option<PathBuf>,
    /// One setting over the model's, as in ports.sip=15060. May be given again.
    #[arg(long = "set", value_name = "TABLE.KEY=VALUE")]
    sets: Vec<String>,
    /// One JSON object a line instead of text.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let filter = EnvFilter::try_from_env("LINEBOX_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_writer(std::io::stderr).with_env_filter(filter);
    if arguments.json {
        log.json().init();
    } else {
        log.with_ansi(false).init();
    }
    let data = arguments.data.or_else(|| std::env::var_os("LINEBOX_DATA").map(PathBuf::from));
    let config = Config::load(&arguments.model, &arguments.sets, data.as_deref());
    let ran = config.map_err(StartError::from).and_then(|config| start::run(&config));
    match ran {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::from(error.exit_code())
        }
    }
}
