//! A list file on its way into the store: bytes from the network, rows by `dialer::rows`, verdicts
//! by `dialer::import` and by the store. Every row ends with one verdict, and the counts add up.
//!
//! The network hands pieces over through a short channel to one blocking thread, so a large list
//! costs memory for one chunk of rows and for the numbers already met. A connection that breaks off
//! is not the end of the file: what came before it is in, the file stays open.

use core::pin::Pin;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use call::{CampaignId, Number, TenantId};
use dialer::import::{Columns, Duplicate, Import, Known, Person, RowReason, Verdict};
use dialer::number::Plan;
use dialer::route::Destinations;
use dialer::rows::{Row, Rows};
use serde_json::json;
use store::batches::{Batch, ImportRow, Parsed, Why};
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

/// A part of a file, its end, or why it does not come to its end.
type Piece = Result<Option<Bytes>, Problem>;

/// A form, or what `curl -d` sends, is not the file.
///
/// # Errors
/// Says how to send it.
pub fn check_kind(headers: &HeaderMap) -> Result<(), Problem> {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let form = ["multipart/", "application/x-www-form-urlencoded", "application/json"];
    if form.iter().any(|wrong| kind.starts_with(wrong)) {
        let told = "send the file itself as the body, with content-type: text/csv \
                    (curl -H 'content-type: text/csv' --data-binary @list.csv)";
        return Err(Problem::Malformed(told.into()));
    }
    Ok(())
}

/// Hands the pieces of a body to a blocking reader.
pub async fn feed(mut body: Body, pieces: mpsc::Sender<Piece>) {
    let announced = body.size_hint().exact();
    let broken_off = || Problem::Malformed("the connection broke off within the file".into());
    let mut bytes = 0;
    loop {
        let frame = core::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await;
        let piece = match frame {
            // A body that is cut off may look like one that ends.
            None if announced.is_some_and(|all| all != bytes as u64) => Err(broken_off()),
            None => Ok(None),
            Some(Err(_)) => Err(broken_off()),
            Some(Ok(frame)) => match frame.into_data() {
                Ok(piece) => Ok(Some(piece)),
                // Trailers say nothing about a list.
                Err(_) => continue,
            },
        };
        if let Ok(Some(piece)) = &piece {
            bytes += piece.len();
        }
        let too_long = bytes > UPLOAD_BYTES_MAX;
        let piece = if too_long { Err(Problem::TooLarge(UPLOAD_BYTES_MAX)) } else { piece };
        let last = !matches!(piece, Ok(Some(_)));
        if pieces.send(piece).await.is_err() || last {
            return;
        }
    }
}

/// A channel between [`feed`] and whoever reads the file.
#[must_use]
pub fn pipe() -> (mpsc::Sender<Piece>, Incoming) {
    let (sender, receiver) = mpsc::channel(PIECES_MAX);
    (sender, Incoming { receiver, rows: Rows::default(), ended: false })
}

/// The blocking end of the channel: the rows of the file.
pub struct Incoming {
    receiver: mpsc::Receiver<Piece>,
    rows: Rows,
    ended: bool,
}

impl Incoming {
    /// The next row; `None`: the file is over. Blocks: not for the reactor.
    ///
    /// # Errors
    /// When the file breaks off or is too long.
    pub fn next_row(&mut self) -> Result<Option<Row>, Problem> {
        loop {
            if let Some(row) = self.rows.poll() {
                return Ok(Some(row));
            }
            if self.ended {
                return Ok(None);
            }
            match self.receiver.blocking_recv() {
                Some(Ok(Some(piece))) => self.rows.handle_piece(&piece),
                Some(Ok(None)) => {
                    self.rows.handle_end();
                    self.ended = true;
                }
                Some(Err(problem)) => return Err(problem),
                None => return Err(Problem::Malformed("the file does not come to its end".into())),
            }
        }
    }
}

/// Imports a file. Blocks: not for the reactor.
///
/// # Errors
/// When nothing of the file can be read, or it breaks off, or the disk does not take it. What was
/// written before stays, with its verdicts, and the error says how much that is.
pub fn import(target: &Target, mut file: Incoming) -> Result<BatchId, Problem> {
    let Some(header) = file.next_row()? else {
        return Err(Problem::Malformed("the file is empty: write a header row and one row".into()));
    };
    let cells = header.cells.as_ref().map_err(|broken| {
        let told = RowReason::from(*broken);
        Problem::Malformed(format!("the first row: {told}"))
    })?;
    let first = texts(cells).ok_or(Problem::Encoding { row: 0 })?;
    let columns = Columns::read(&first, &target.plan)?;
    // Without a header the first row is row 1.
    let before = if columns.header { header.place } else { header.place - 1 };
    let no_header = !columns.header;
    let batch = open(target)?;
    let mut sheet = Sheet {
        import: Import::new(&target.plan, &target.destinations, columns.clone()),
        columns,
        before,
    };
    let mut written = 0;
    let mut read = || -> Result<(), Problem> {
        let mut chunk = Vec::new();
        if no_header {
            chunk.push(sheet.take(&header));
        }
        while let Some(row) = file.next_row()? {
            chunk.push(sheet.take(&row));
            if chunk.len() >= IMPORT_ROWS_MAX {
                written = write(target, batch, std::mem::take(&mut chunk))?;
            }
        }
        if !chunk.is_empty() {
            written = write(target, batch, chunk)?;
        }
        submit(target, TenantChange::CloseBatch(batch)).map(drop)
    };
    match read() {
        Err(Problem::Malformed(told)) if written > 0 => Err(Problem::Malformed(format!(
            "{told}; its rows up to {written} are in: send the whole file again, they count as \
             duplicates then"
        ))),
        ended => ended.map(|()| batch),
    }
}

fn open(target: &Target) -> Result<BatchId, Problem> {
    let (campaign, file_name) = (target.campaign, target.file_name.clone());
    let applied = submit(target, TenantChange::OpenBatch { campaign, file_name })?;
    super::id_of(&applied).map(BatchId)
}

/// The disk is asked again while it is behind; a file in the middle must not be lost for that. Gives
/// back the last row.
fn write(target: &Target, batch: BatchId, rows: Vec<ImportRow>) -> Result<u32, Problem> {
    const TRIES: u32 = 50;
    let last = rows.last().map_or(0, |row| row.row);
    for _ in 0..TRIES {
        let rows = rows.clone();
        match submit(target, TenantChange::ImportRows { batch, rows }) {
            Err(Problem::Store(Error::QueueFull(_))) => {
                std::thread::sleep(core::time::Duration::from_millis(100));
            }
            answer => return answer.map(|_| last),
        }
    }
    Err(Problem::Busy)
}

fn submit(target: &Target, change: TenantChange) -> Result<store::Applied, Problem> {
    let at = crate::reactor::stamp();
    let job = Job::of_tenant(at, target.actor, target.tenant, change);
    Ok(target.writer.submit(job)?.wait()?)
}

/// The cells as text; `None`: not UTF-8.
fn texts(cells: &[Vec<u8>]) -> Option<Vec<&str>> {
    cells.iter().map(|cell| core::str::from_utf8(cell).ok()).collect()
}

/// The rows of one file, judged one after another.
struct Sheet<'t> {
    import: Import<'t>,
    columns: Columns,
    /// Rows of the file up to its header.
    before: u64,
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
    fn take(&mut self, row: &Row) -> ImportRow {
        let place = row.place.saturating_sub(self.before);
        let parsed = match row.cells.as_ref().map(|cells| texts(cells)) {
            Ok(Some(fields)) => {
                let verdict = self.import.handle_row(place, &fields, &Nothing);
                self.parsed(verdict, &fields)
            }
            Ok(None) => {
                let verdict = self.import.handle_broken_row(RowReason::Encoding);
                self.parsed(verdict, &[])
            }
            Err(broken) => {
                let verdict = self.import.handle_broken_row((*broken).into());
                self.parsed(verdict, &[])
            }
        };
        // The store keeps so many characters, of at most four bytes each.
        let raw = row.raw.get(..RAW_CHARS_MAX * 4).unwrap_or(&row.raw);
        let raw = String::from_utf8_lossy(raw).into_owned();
        ImportRow { row: u32::try_from(place).unwrap_or(u32::MAX), raw, parsed }
    }

    fn parsed(&self, verdict: Verdict, fields: &[&str]) -> Parsed {
        match verdict {
            Verdict::Taken(person) => self.lead(person, fields),
            Verdict::Duplicate { number, of: Duplicate::InFile { row } } => {
                Parsed::Twin { number, of: row }
            }
            // Only the store knows this, and says so when it writes.
            Verdict::Duplicate { number, of: Duplicate::InCampaign }
            | Verdict::DoNotCall { number } => Parsed::Lead {
                number_raw: number.as_str().to_owned(),
                number,
                name: String::new(),
                fields: "{}".to_owned(),
                repaired: None,
            },
            Verdict::Refused { field, reason } => Parsed::Refused { field, why: why(reason) },
        }
    }

    fn lead(&self, person: Person, fields: &[&str]) -> Parsed {
        let others: serde_json::Map<String, serde_json::Value> =
            person.fields.into_iter().map(|(title, text)| (title, text.into())).collect();
        let repairs = person.repairs.iter().map(|repair| repair.word().to_owned());
        let repairs: Vec<String> = repairs.collect();
        let repaired = (!repairs.is_empty()).then(|| (self.phone(fields), repairs));
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
        let column = self.columns.phones.iter().find(filled);
        let title = column.and_then(|at| self.columns.titles.get(*at)).cloned();
        title.unwrap_or_else(|| self.columns.phone_title())
    }
}

/// A refusal for programs and for people.
pub fn why(reason: RowReason) -> Why {
    let params = reason.most().map_or_else(|| json!({}), |most| json!({ "max": most }));
    Why::new(reason.word(), params, reason.to_string())
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

    fn rows(bytes: &[u8]) -> Vec<Row> {
        let (sender, mut file) = pipe();
        sender.try_send(Ok(Some(Bytes::copy_from_slice(bytes)))).unwrap();
        sender.try_send(Ok(None)).unwrap();
        core::iter::from_fn(|| file.next_row().unwrap()).collect()
    }

    fn sheet<'t>(plan: &'t Plan, allowed: &'t Destinations, header: &[&str]) -> Sheet<'t> {
        let columns = Columns::read(header, plan).unwrap();
        Sheet { import: Import::new(plan, allowed, columns.clone()), columns, before: 0 }
    }

    #[test]
    fn a_row_keeps_its_place_its_words_and_what_was_put_right() {
        let (plan, allowed) = (Plan::default(), Destinations::default());
        let mut sheet = sheet(&plan, &allowed, &["姓名", "手机", "城市"]);
        let mut file = "\"张 \"\"三\"\"\",138-0000-0001,武汉\n\n".as_bytes().to_vec();
        file.extend(b"\xd5\xc5,13800000002,\nx,13800000001,\n");
        let found: Vec<ImportRow> = rows(&file).iter().map(|row| sheet.take(row)).collect();
        assert_eq!(found[0].raw, "\"张 \"\"三\"\"\",138-0000-0001,武汉");
        let Parsed::Lead { number, name, fields, repaired, .. } = &found[0].parsed else {
            panic!()
        };
        assert_eq!((number.as_str(), name.as_str()), ("+8613800000001", "张 \"三\""));
        assert_eq!(fields, r#"{"城市":"武汉"}"#);
        assert_eq!(*repaired, Some(("手机".into(), vec!["separators".into()])));
        // The empty row has a place too, as it has in a spreadsheet.
        assert_eq!(found[1].row, 3);
        let Parsed::Refused { why, .. } = &found[1].parsed else { panic!() };
        assert_eq!(why.code, "encoding");
        assert!(matches!(found[2].parsed, Parsed::Twin { of: 1, .. }), "{:?}", found[2]);
    }

    #[test]
    fn a_file_that_breaks_off_has_no_last_row() {
        let (sender, mut file) = pipe();
        sender.try_send(Ok(Some(Bytes::from_static(b"phone\n1380000")))).unwrap();
        drop(sender);
        assert!(file.next_row().unwrap().is_some());
        assert!(file.next_row().is_err());
    }

    proptest! {
        #[test]
        fn any_row_gets_a_verdict_and_none_panics(file in prop::collection::vec(any::<u8>(), 0..80)) {
            let (plan, allowed) = (Plan::default(), Destinations::default());
            let mut sheet = sheet(&plan, &allowed, &["name", "phone"]);
            let found = rows(&file);
            for row in &found {
                sheet.take(row);
            }
            prop_assert_eq!(sheet.import.counts().rows, found.len() as u64);
            prop_assert!(sheet.import.counts().add_up());
        }
    }
}
