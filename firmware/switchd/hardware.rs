//! `[[span]]` of the model: what is plugged in. Read here and opened here; a span that cannot be
//! opened is shown with its alarm, and the box serves what else it has.

use std::ops::Range;
use std::path::{Path, PathBuf};

use board_linux::dahdi::{self, LineCode};
use board_linux::{OpenError, Parts, attached};
use board_port::{BLOCK, Slots};
use serde::Deserialize;
use toml::Spanned;

use crate::config::ConfigError;
use crate::limits::SPANS_MAX;
use crate::switch::SpanSetup;

/// One span of the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpanHardware {
    /// What a person calls it; empty: by its device.
    pub name: String,
    /// What it is plugged into.
    pub device: Device,
    /// Time slots that carry calls.
    pub slots: Vec<u8>,
    /// Echo is cancelled: by the card if it can, else by us.
    pub echo: bool,
}

/// What a span is plugged into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Device {
    /// Sockets at which another exchange attaches.
    Attached {
        /// Their path without `.d` and `.b`, below the data folder unless absolute.
        path: PathBuf,
        /// Each frame ends with its check sequence.
        fcs: bool,
    },
    /// A span of the kernel's DAHDI interface.
    Dahdi(dahdi::Settings),
}

#[derive(Deserialize)]
struct Model {
    #[serde(default)]
    span: Vec<Spanned<Table>>,
}

/// `[[span]]` as it is written; `board/models/demo.toml` is its manual.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    name: Option<String>,
    attach: Option<PathBuf>,
    dahdi: Option<Spanned<i64>>,
    #[serde(default)]
    fcs: bool,
    #[serde(default = "yes")]
    crc4: bool,
    line: Option<Spanned<String>>,
    timing: Option<Spanned<i64>>,
    channels: Option<Spanned<String>>,
    #[serde(default = "yes")]
    echo: bool,
}

const fn yes() -> bool {
    true
}

/// Reads the spans of a model's text.
///
/// # Errors
/// [`ConfigError`], with file and line.
pub fn read(file: &str, text: &str) -> Result<Vec<SpanHardware>, ConfigError> {
    let model: Model = toml::from_str(text).map_err(|e| ConfigError::Syntax {
        at: place(file, text, e.span().unwrap_or_default()),
        reason: e.message().to_owned(),
    })?;
    let reader = Reader { file, text };
    if let Some(extra) = model.span.get(SPANS_MAX) {
        return Err(reader.refuse(extra.span(), "span", "is one too many", "four spans"));
    }
    model.span.iter().map(|table| reader.span(table)).collect()
}

struct Reader<'a> {
    file: &'a str,
    text: &'a str,
}

impl Reader<'_> {
    fn span(&self, table: &Spanned<Table>) -> Result<SpanHardware, ConfigError> {
        let whole = table.span();
        let table = table.get_ref();
        let device = match (&table.attach, &table.dahdi) {
            (Some(path), None) => Device::Attached { path: path.clone(), fcs: table.fcs },
            (None, Some(number)) => Device::Dahdi(dahdi::Settings {
                span: self.number(number, "span.dahdi", 1..129)?,
                crc4: table.crc4,
                line: self.line(table)?,
                timing: match &table.timing {
                    Some(timing) => self.number(timing, "span.timing", 0..16)?,
                    None => 1,
                },
                channels: Slots::BEARERS,
                echo: table.echo,
            }),
            (Some(_), Some(_)) => {
                let reason = "attach and dahdi exclude each other";
                return Err(self.refuse(whole, "span", reason, "one of them"));
            }
            (None, None) => {
                let reason = "says neither attach nor dahdi";
                return Err(self.refuse(whole, "span", reason, "attach = \"run/span1\""));
            }
        };
        let slots = match &table.channels {
            Some(written) => link::span::slots(written.get_ref()).ok_or_else(|| {
                let reason = "is not a list of time slots 1 to 31 without 16";
                self.refuse(written.span(), "span.channels", reason, "\"1-15,17-31\"")
            })?,
            None => link::span::all_slots(),
        };
        let name = table.name.clone().unwrap_or_default();
        let device = match device {
            Device::Dahdi(settings) => {
                let channels = slots.iter().copied().collect();
                Device::Dahdi(dahdi::Settings { channels, ..settings })
            }
            attached @ Device::Attached { .. } => attached,
        };
        Ok(SpanHardware { name, device, slots, echo: table.echo })
    }

    fn line(&self, table: &Table) -> Result<LineCode, ConfigError> {
        let Some(line) = &table.line else { return Ok(LineCode::Hdb3) };
        match line.get_ref().as_str() {
            "hdb3" => Ok(LineCode::Hdb3),
            "ami" => Ok(LineCode::Ami),
            _ => Err(self.refuse(line.span(), "span.line", "is none of hdb3, ami", "\"hdb3\"")),
        }
    }

    fn number<T: TryFrom<i64>>(
        &self,
        written: &Spanned<i64>,
        field: &str,
        range: Range<i64>,
    ) -> Result<T, ConfigError> {
        let (found, last) = (*written.get_ref(), range.end - 1);
        let out = || {
            let reason = format!("is outside {} to {last}", range.start);
            let nearest = found.clamp(range.start, last).to_string();
            self.refuse(written.span(), field, &reason, &nearest)
        };
        if !range.contains(&found) {
            return Err(out());
        }
        T::try_from(found).map_err(|_| out())
    }

    fn refuse(&self, span: Range<usize>, field: &str, reason: &str, nearest: &str) -> ConfigError {
        let found = self.text.get(span.clone()).unwrap_or_default();
        ConfigError::Value {
            at: place(self.file, self.text, span),
            field: field.to_owned(),
            found: found.lines().next().unwrap_or_default().to_owned(),
            reason: reason.to_owned(),
            nearest: nearest.to_owned(),
        }
    }
}

fn place(file: &str, text: &str, span: Range<usize>) -> String {
    let before = text.as_bytes().get(..span.start).unwrap_or_default();
    format!("{file}:{}", before.iter().filter(|&&b| b == b'\n').count() + 1)
}

impl SpanHardware {
    /// What the switch is told of it. `card_echo`: the card cancels echo by itself.
    #[must_use]
    pub fn setup(&self, card_echo: bool) -> SpanSetup {
        let device = match &self.device {
            Device::Attached { path, .. } => path.display().to_string(),
            Device::Dahdi(settings) => format!("dahdi {}", settings.span),
        };
        let device = match self.name.as_str() {
            "" => device,
            name => format!("{name} ({device})"),
        };
        let turnaround_ticks = match self.device {
            Device::Attached { .. } => 1,
            // The driver lets one block of silence go first.
            Device::Dahdi(_) => 2,
        };
        let echo = self.echo && !card_echo;
        SpanSetup { device, slots: self.slots.clone(), echo, turnaround_ticks }
    }

    /// Opens it.
    ///
    /// # Errors
    /// The device is not there or refuses.
    pub fn open(&self, data: &Path) -> Result<Parts, OpenError> {
        match &self.device {
            Device::Attached { path, fcs } => attached::listen(&data.join(path), *fcs),
            Device::Dahdi(settings) => dahdi::open(*settings),
        }
    }
}

/// In the place of a span that could not be opened: it never beats and carries nothing.
pub struct Absent;

impl board_port::Bearers for Absent {
    fn beat_fd(&self) -> Option<std::os::fd::BorrowedFd<'_>> {
        None
    }

    fn open(&mut self, _: u8) {}

    fn close(&mut self, _: u8) {}

    fn begin_tick(&mut self) {}

    fn read(&mut self, _: u8, _: &mut [u8; BLOCK]) -> bool {
        false
    }

    fn write(&mut self, _: u8, _: &[u8; BLOCK]) -> bool {
        false
    }

    fn end_tick(&mut self) {}

    fn waiting(&self) -> usize {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        read("m.toml", text).unwrap_err().to_string()
    }

    #[test]
    fn a_span_has_thirty_channels_unless_the_model_says_fewer() {
        let spans = read("m.toml", "[[span]]\nattach = \"run/span1\"\n").unwrap();
        assert_eq!(spans[0].slots.len(), 30);
        assert!(!spans[0].slots.contains(&16) && spans[0].echo);
        let text = "[[span]]\ndahdi = 2\nchannels = \"1-5,17\"\necho = false\ntiming = 0\n";
        let spans = read("m.toml", text).unwrap();
        assert_eq!(spans[0].slots, [1, 2, 3, 4, 5, 17]);
        assert_eq!(spans[0].setup(false).device, "dahdi 2");
        assert_eq!(read("m.toml", "[box]\nname = \"b\"\n").unwrap(), []);
    }

    #[test]
    fn a_wrong_span_is_refused_with_line_field_and_reason() {
        let said = refused("[[span]]\ncolour = 1\n");
        assert!(said.starts_with("m.toml:2: "), "{said}");
        let said = refused("[[span]]\nattach = \"a\"\nchannels = \"1-31\"\n");
        assert!(said.starts_with("m.toml:3: span.channels"), "{said}");
        let said = refused("[[span]]\ndahdi = 0\n");
        assert!(said.starts_with("m.toml:2: span.dahdi = 0: is outside 1 to 128"), "{said}");
        let said = refused("[[span]]\ndahdi = 1\nline = \"b8zs\"\n");
        assert!(said.starts_with("m.toml:3: span.line"), "{said}");
        assert!(refused("[[span]]\n").contains("neither attach nor dahdi"));
        let five = "[[span]]\nattach = \"a\"\n".repeat(5);
        assert!(refused(&five).starts_with("m.toml:9: span"), "{}", refused(&five));
    }
}
