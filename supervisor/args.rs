//! The command line: read by hand, because it is four words long.

use std::path::PathBuf;

/// What the command line asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Args {
    /// The box model.
    pub model: PathBuf,
    /// Where data lies, if said here; wins over `LINEBOX_DATA` and the model.
    pub data: Option<PathBuf>,
    /// `TABLE.KEY=VALUE`, in the order given.
    pub overrides: Vec<String>,
    /// Where the daemons lie; beside the supervisor if not said.
    pub programs: Option<PathBuf>,
    /// Only read the model and say whether it is right.
    pub check: bool,
}

/// Why a command line was refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Error {
    /// A word that means nothing here.
    #[error("`{0}` is not an option; {USAGE}")]
    Unknown(String),
    /// An option without the value that it takes.
    #[error("{0} takes a value; {USAGE}")]
    NoValue(&'static str),
    /// `--set` without a dotted key or without `=`.
    #[error("--set {0}: write it as TABLE.KEY=VALUE, such as ports.sip=15060")]
    BadOverride(String),
    /// No model was named.
    #[error("--model is missing; {USAGE}")]
    NoModel,
    /// `--help`.
    #[error("{USAGE}")]
    Help,
}

/// One line of help.
pub const USAGE: &str = "usage: supervisor --model FILE [--data DIR] [--set TABLE.KEY=VALUE]... \
                         [--programs DIR] [--check]";

/// Reads the words after the program's name.
pub fn parse(words: impl IntoIterator<Item = String>) -> Result<Args, Error> {
    let mut args = Args::default();
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let (name, mut inline) = match word.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name.to_owned(), Some(value.into())),
            _ => (word, None),
        };
        let mut value = |what| inline.take().or_else(|| words.next()).ok_or(Error::NoValue(what));
        match name.as_str() {
            "--model" => args.model = value("--model")?.into(),
            "--data" => args.data = Some(value("--data")?.into()),
            "--programs" => args.programs = Some(value("--programs")?.into()),
            "--set" => args.overrides.push(dotted(value("--set")?)?),
            "--check" => args.check = true,
            "--help" | "-h" => return Err(Error::Help),
            _ => return Err(Error::Unknown(name)),
        }
    }
    if args.model.as_os_str().is_empty() {
        return Err(Error::NoModel);
    }
    Ok(args)
}

fn dotted(text: String) -> Result<String, Error> {
    let right = text.split_once('=').is_some_and(|(key, _)| {
        key.contains('.') && key.split('.').all(|part| !part.trim().is_empty())
    });
    if right { Ok(text) } else { Err(Error::BadOverride(text)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Args, Error> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn every_option_is_read_in_both_spellings() {
        let args = read("--model m.toml --data=d --set ports.sip=1 --set=a.b=c=d --check").unwrap();
        assert_eq!(args.model, PathBuf::from("m.toml"));
        assert_eq!(args.data, Some("d".into()));
        assert_eq!(args.overrides, ["ports.sip=1", "a.b=c=d"]);
        assert!(args.check);
    }

    #[test]
    fn a_wrong_line_says_what_is_wrong() {
        assert_eq!(read(""), Err(Error::NoModel));
        assert_eq!(read("--model"), Err(Error::NoValue("--model")));
        assert_eq!(read("--modle m"), Err(Error::Unknown("--modle".into())));
        let bad = |text: &str| Err(Error::BadOverride(text.into()));
        assert_eq!(read("--model m --set sip=1"), bad("sip=1"));
        assert_eq!(read("--model m --set ports.sip"), bad("ports.sip"));
    }
}
