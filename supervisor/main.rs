//! The program `supervisor`: reads the model, starts the box, and ends with 0, or with 78 where
//! a setting cannot work.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use supervisor::args::{self, Args};
use supervisor::model::Model;
use supervisor::order::Policy;
use supervisor::reactor::{self, End};
use supervisor::spawn::Program;
use supervisor::voice::{Channel, say};

fn main() -> ExitCode {
    match start() {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Setting(told)) => fail(&told, supervisor::EX_CONFIG as u8),
        Err(Failure::System(told)) => fail(&told, 1),
    }
}

fn fail(told: &str, code: u8) -> ExitCode {
    told.lines().for_each(|line| say(Channel::Err, "supervisor", line));
    ExitCode::from(code)
}

enum Failure {
    /// A setting cannot work; a restart would not help.
    Setting(String),
    /// The machine refused.
    System(String),
}

fn start() -> Result<(), Failure> {
    let args = match args::parse(std::env::args().skip(1)) {
        Ok(args) => args,
        Err(args::Error::Help) => {
            say(Channel::Out, "supervisor", args::USAGE);
            return Ok(());
        }
        Err(error) => return Err(Failure::Setting(error.to_string())),
    };
    let setting = |error: &dyn std::fmt::Display| Failure::Setting(error.to_string());
    let model = Model::load(&args.model, &args.overrides).map_err(|error| setting(&error))?;
    if args.check {
        say(Channel::Out, "supervisor", &format!("{}: right", args.model.display()));
        return Ok(());
    }
    let data = storage(&args, &model)?;
    let folder = program_folder(&args).map_err(|error| Failure::System(error.to_string()))?;
    let programs = programs(&args, &model, &data, &folder);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let run = runtime.and_then(|r| r.block_on(reactor::run(programs, data.clone(), hail(&model))));
    match run {
        Ok(End::Stopped) => {
            say(Channel::Out, "supervisor", "stopped");
            Ok(())
        }
        Ok(End::Refused(told)) => Err(Failure::Setting(told)),
        Err(error) => Err(Failure::System(error.to_string())),
    }
}

/// `--data`, else `LINEBOX_DATA`, else the model; made if it is not there, and made absolute so
/// that a daemon's working directory does not matter.
fn storage(args: &Args, model: &Model) -> Result<PathBuf, Failure> {
    let environment = std::env::var_os("LINEBOX_DATA").filter(|dir| !dir.is_empty());
    let (folder, setting) = match (&args.data, environment) {
        (Some(folder), _) => (folder.clone(), "--data"),
        (None, Some(folder)) => (PathBuf::from(folder), "LINEBOX_DATA"),
        (None, None) => (PathBuf::from(model.text("data.dir")), "data.dir"),
    };
    let made = std::fs::create_dir_all(&folder).and_then(|()| std::fs::canonicalize(&folder));
    made.map_err(|error| {
        let told = format!("{setting}: {}: {error}; name a folder that can be written", {
            folder.display()
        });
        Failure::Setting(told)
    })
}

/// `--programs`, else where the supervisor itself lies.
fn program_folder(args: &Args) -> io::Result<PathBuf> {
    match &args.programs {
        Some(folder) => std::fs::canonicalize(folder),
        None => {
            let own = std::env::current_exe()?;
            Ok(own.parent().map(Path::to_owned).unwrap_or_default())
        }
    }
}

/// The daemons in order of starting; the town only where the model asks for it.
fn programs(args: &Args, model: &Model, data: &Path, folder: &Path) -> Vec<(Program, Policy)> {
    let mut words: Vec<OsString> =
        vec!["--model".into(), args.model.clone().into(), "--data".into(), data.into()];
    for text in &args.overrides {
        words.extend(["--set".into(), text.into()]);
    }
    let town = model.truth("town.simulated").then_some("town");
    let names = ["switchd", "centerd"].into_iter().chain(town);
    let one = |name: &str| {
        let silence_ms = model.whole(&format!("watchdog.{name}_ms"));
        let policy = Policy {
            ready_ms: model.whole("watchdog.ready_ms"),
            watchdog_ms: Some(silence_ms).filter(|ms| *ms > 0),
            grace_ms: model.whole("watchdog.grace_ms"),
        };
        let program =
            Program { name: name.to_owned(), path: folder.join(name), args: words.clone() };
        (program, policy)
    };
    names.map(one).collect()
}

/// What somebody who has just started the box wants to know.
fn hail(model: &Model) -> String {
    let listen = model.text("ports.listen");
    let host = match listen.parse::<std::net::IpAddr>() {
        Ok(address) if address.is_unspecified() => "<address of this machine>".to_owned(),
        Ok(std::net::IpAddr::V6(address)) => format!("[{address}]"),
        Ok(_) | Err(_) => listen,
    };
    let mut lines = format!(
        "console: http://{host}:{}/\n\
         user admin; on a first start centerd has shown the password, once, in a line above",
        model.whole("ports.console")
    );
    if model.truth("town.simulated") {
        lines.push_str("\nthe town is simulated: its customers and their phones are not real");
    }
    lines.push_str("\nCtrl-C stops the box");
    lines
}
