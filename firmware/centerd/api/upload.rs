//! A list file on its way into the store: bytes from the network, rows by the CSV reader, verdicts
//! by `dialer::import` and by the store. Every row ends with one verdict, and the counts add up.
//!
//! The network hands pieces over through a short channel to one blocking thread, so a large list
//! costs memory for one chunk of rows and for the numbers already met.

use core::pin::Pin;
use std::collections::VecDeque;
use std::io::{self, BufReader, Read};

use axum::body::{Body, Bytes, HttpBody};
use call::{CampaignId, Number, TenantId};
use csv::{ByteRecord, ReaderBuilder};
use dialer::import::{Columns, Import, Known, Person, Verdict};
use dialer::number::Plan;
use dialer::route::Destinations;
use store::batches::{Batch, ImportRow, Parsed};
use store::limits::{IMPORT_ROWS_MAX, RAW_CHARS_MAX};
use store::{Actor, BatchId, Error, Job, TenantChange, Writer};
use tokio::sync::mpsc;

use super::errors::Problem;
use super::limits::PIECES_MAX;
use crate::limits::UPLOAD_BYTES_MAX;

/// Where the rows go, and by what they are judged.
pub struct Target {
    /// The disk.
    pub writer: Writer,
    /// Whose list.
    pub tenant: TenantId,
    /// Who uploads.
    pub actor: Actor,
    /// Into which campaign.
    pub campaign: CampaignId,
    /// What the file is called.
    pub file_name: String,
    /// How numbers are read.
    pub plan: Plan,
    /// What may be dialled.
    pub destinations: Destinations,
}

/// Hands the pieces of a body to a blocking reader.
pub async fn feed(mut body: Body, pieces: mpsc::Sender<io::Result<Bytes>>) {
    let mut bytes = 0;
    loop {
        let frame = core::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await;
        let piece = match frame {
            None => return,
            Some(Err(error)) => Err(io::Error::other(error)),
            Some(Ok(frame)) => match frame.into_data() {
                Ok(piece) => Ok(piece),
                // Trailers say nothing about a list.
                Err(_) => continue,
            },
        };
        bytes += piece.as_ref().map_or(0, Bytes::len);
        let too_long = bytes > UPLOAD_BYTES_MAX;
        let piece = if too_long { Err(io::ErrorKind::FileTooLarge.into()) } else { piece };
        let last = piece.is_err();
        if pieces.send(piece).await.is_err() || last {
            return;
        }
    }
}

/// A channel between [`feed`] and [`import`].
#[must_use]
pub fn pipe() -> (mpsc::Sender<io::Result<Bytes>>, Pieces) {
    let (sender, receiver) = mpsc::channel(PIECES_MAX);
    (sender, Pieces { receiver, rest: Bytes::new() })
}

/// The blocking end of the channel.
pub struct Pieces {
    receiver: mpsc::Receiver<io::Result<Bytes>>,
    rest: Bytes,
}

impl Read for Pieces {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty() {
            match self.receiver.blocking_recv() {
                Some(piece) => self.rest = piece?,
                None => return Ok(0),
            }
        }
        let count = self.rest.len().min(into.len());
        let taken = self.rest.split_to(count);
        if let Some(room) = into.get_mut(..count) {
            room.copy_from_slice(&taken);
        }
        Ok(count)
    }
}

/// Imports a file. Blocks: not for the reactor.
///
/// # Errors
/// When nothing of the file can be read, or the disk does not take it. What was written before
/// stays, with its verdicts.
pub fn import(target: &Target, file: impl Read) -> Result<BatchId, Problem> {
    let mut reader =
        ReaderBuilder::new().has_headers(false).flexible(true).from_reader(BufReader::new(file));
    let mut record = ByteRecord::new();
    let more = reader.read_byte_record(&mut record).map_err(|e| broken(&e))?;
    if !more {
        return Err(Problem::Malformed("the file is empty: write a header row and one row".into()));
    }
    let first = fields_of(&record).ok_or(Problem::Encoding { row: 0 })?;
    let columns = Columns::read(&first, &target.plan)?;
    let header = columns.header;
    let batch = open(target)?;
    let mut sheet = Sheet {
        import: Import::new(&target.plan, &target.destinations, columns.clone()),
        columns,
        row: 0,
    };
    let mut chunk = Vec::new();
    if !header {
        chunk.push(sheet.take(&record));
    }
    while reader.read_byte_record(&mut record).map_err(|e| broken(&e))? {
        chunk.push(sheet.take(&record));
        if chunk.len() >= IMPORT_ROWS_MAX {
            write(target, batch, std::mem::take(&mut chunk))?;
        }
    }
    if !chunk.is_empty() {
        write(target, batch, chunk)?;
    }
    submit(target, TenantChange::CloseBatch(batch))?;
    Ok(batch)
}

fn open(target: &Target) -> Result<BatchId, Problem> {
    let (campaign, file_name) = (target.campaign, target.file_name.clone());
    let applied = submit(target, TenantChange::OpenBatch { campaign, file_name })?;
    super::id_of(&applied).map(BatchId)
}

/// The disk is asked again while it is behind; a file in the middle must not be lost for that.
fn write(target: &Target, batch: BatchId, rows: Vec<ImportRow>) -> Result<(), Problem> {
    const TRIES: u32 = 50;
    for _ in 0..TRIES {
        let rows = rows.clone();
        match submit(target, TenantChange::ImportRows { batch, rows }) {
            Err(Problem::Store(Error::QueueFull(_))) => {
                std::thread::sleep(core::time::Duration::from_millis(100));
            }
            answer => return answer.map(drop),
        }
    }
    Err(Problem::Busy)
}

fn submit(target: &Target, change: TenantChange) -> Result<store::Applied, Problem> {
    let at = crate::reactor::stamp();
    let job = Job::of_tenant(at, target.actor, target.tenant, change);
    Ok(target.writer.submit(job)?.wait()?)
}

fn broken(error: &csv::Error) -> Problem {
    if let csv::ErrorKind::Io(io) = error.kind()
        && io.kind() == io::ErrorKind::FileTooLarge
    {
        return Problem::TooLarge(UPLOAD_BYTES_MAX);
    }
    Problem::Malformed(format!("the file cannot be read to its end: {error}"))
}

/// The fields as text; `None`: not UTF-8.
fn fields_of(record: &ByteRecord) -> Option<Vec<&str>> {
    record.iter().map(|field| core::str::from_utf8(field).ok()).collect()
}

/// The rows of one file, judged one after another.
struct Sheet<'t> {
    import: Import<'t>,
    columns: Columns,
    row: u32,
}

/// What is in the campaign or barred is known to the store alone, which says so when it writes.
struct Nothing;

impl Known for Nothing {
    fn in_campaign(&self, _: &Number) -> bool {
        false
    }
    fn do_not_call(&self, _: &Number) -> bool {
        false
    }
}

impl Sheet<'_> {
    fn take(&mut self, record: &ByteRecord) -> ImportRow {
        self.row = self.row.saturating_add(1);
        let raw = raw_of(record);
        let parsed = match fields_of(record) {
            Some(fields) => {
                let verdict = self.import.handle_row(&fields, &Nothing);
                self.parsed(verdict, &fields)
            }
            None => {
                let verdict = self.import.handle_broken_row();
                self.parsed(verdict, &[])
            }
        };
        ImportRow { row: self.row, raw, parsed }
    }

    fn parsed(&self, verdict: Verdict, fields: &[&str]) -> Parsed {
        match verdict {
            Verdict::Taken(person) => self.lead(person, fields),
            // The store finds it in the campaign, where the first of the two has gone, or on the
            // do-not-call list, as the first.
            Verdict::Duplicate { number, .. } | Verdict::DoNotCall { number } => Parsed::Lead {
                number_raw: number.as_str().to_owned(),
                number,
                name: String::new(),
                fields: "{}".to_owned(),
                repaired: None,
            },
            Verdict::Refused { field, reason } => {
                Parsed::Refused { field, reason: reason.to_string() }
            }
        }
    }

    fn lead(&self, person: Person, fields: &[&str]) -> Parsed {
        let others: serde_json::Map<String, serde_json::Value> =
            person.fields.into_iter().map(|(title, text)| (title, text.into())).collect();
        let repairs: Vec<&str> = person.repairs.iter().map(|repair| repair.word()).collect();
        let repaired = (!repairs.is_empty()).then(|| (self.phone(fields), repairs.join(", ")));
        Parsed::Lead {
            number: person.number,
            number_raw: person.raw,
            name: person.name.unwrap_or_default(),
            fields: serde_json::Value::Object(others).to_string(),
            repaired,
        }
    }

    /// The title of the column that the number came from.
    fn phone(&self, fields: &[&str]) -> String {
        let filled = |at: &&usize| fields.get(**at).is_some_and(|text| !text.trim().is_empty());
        let column = self.columns.phones.iter().find(filled).or(self.columns.phones.first());
        let title = column.and_then(|at| self.columns.titles.get(*at)).cloned();
        title.unwrap_or_else(|| "number".to_owned())
    }
}

/// The row as it was written, near enough for whoever corrects the file.
fn raw_of(record: &ByteRecord) -> String {
    let mut raw = String::new();
    let mut fields: VecDeque<&[u8]> = record.iter().collect();
    while let Some(field) = fields.pop_front() {
        let text = String::from_utf8_lossy(field);
        if text.contains([',', '"', '\n', '\r']) {
            raw.push('"');
            raw.push_str(&text.replace('"', "\"\""));
            raw.push('"');
        } else {
            raw.push_str(&text);
        }
        if raw.len() > RAW_CHARS_MAX * 4 {
            break;
        }
        if !fields.is_empty() {
            raw.push(',');
        }
    }
    raw
}

/// Rows that have a verdict.
#[must_use]
pub fn rows_of(batch: &Batch) -> u64 {
    batch.counts.total()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sheet<'t>(plan: &'t Plan, allowed: &'t Destinations, header: &[&str]) -> Sheet<'t> {
        let columns = Columns::read(header, plan).unwrap();
        Sheet { import: Import::new(plan, allowed, columns.clone()), columns, row: 0 }
    }

    #[test]
    fn a_row_keeps_its_place_its_words_and_what_was_put_right() {
        let (plan, allowed) = (Plan::default(), Destinations::default());
        let mut sheet = sheet(&plan, &allowed, &["姓名", "手机", "城市"]);
        let row = sheet.take(&ByteRecord::from(vec!["张 \"三\"", "138-0000-0001", "武汉"]));
        assert_eq!(row.raw, "\"张 \"\"三\"\"\",138-0000-0001,武汉");
        let Parsed::Lead { number, name, fields, repaired, .. } = row.parsed else { panic!() };
        assert_eq!((number.as_str(), name.as_str()), ("+8613800000001", "张 \"三\""));
        assert_eq!(fields, r#"{"城市":"武汉"}"#);
        assert_eq!(repaired, Some(("手机".into(), "separators".into())));
        let broken = sheet.take(&ByteRecord::from(vec![&b"\xd5\xc5"[..], b"13800000002", b""]));
        assert_eq!(broken.row, 2);
        let Parsed::Refused { reason, .. } = broken.parsed else { panic!() };
        assert!(reason.contains("UTF-8"), "{reason}");
    }

    proptest! {
        #[test]
        fn bytes_come_out_as_they_went_in(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..8)) {
            let (sender, mut reader) = pipe();
            for piece in &pieces {
                sender.try_send(Ok(Bytes::from(piece.clone()))).unwrap();
            }
            drop(sender);
            let mut read = Vec::new();
            reader.read_to_end(&mut read).unwrap();
            prop_assert_eq!(read, pieces.concat());
        }

        #[test]
        fn any_row_gets_a_verdict_and_none_panics(fields in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..30), 0..6)) {
            let (plan, allowed) = (Plan::default(), Destinations::default());
            let mut sheet = sheet(&plan, &allowed, &["name", "phone"]);
            let row = sheet.take(&ByteRecord::from(fields));
            prop_assert_eq!(row.row, 1);
            prop_assert!(sheet.import.counts().add_up());
        }
    }
}
