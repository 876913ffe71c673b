//! A sealed recording as a WAV file: which bytes a request asks for, and those bytes as they are
//! opened, second by second. Also the body that a blocking reader fills.

use core::pin::Pin;
use core::task::{Context as Cx, Poll};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use axum::body::{Body, Bytes};
use futures_core::Stream;
use link::key::BoxKey;
use link::sealed::{CHANNELS, Extent, FOOTER_BYTES, HEADER_BYTES, Opener, RATE_HZ, SOUND_BYTES};
use tokio::sync::mpsc;

use super::errors::Problem;
use super::limits::PIECES_MAX;

/// Bytes of the header of a WAV file.
pub const WAV_HEADER_BYTES: u64 = 44;
const FRAME_BYTES: u64 = CHANNELS as u64 * 2;

/// A sealed recording, open.
pub struct Sealed {
    file: File,
    opener: Opener,
    /// How much of it is there.
    pub extent: Extent,
}

impl Sealed {
    /// Opens the file at `path`. Blocks.
    ///
    /// # Errors
    /// [`Problem::Sound`].
    pub fn open(key: &BoxKey, path: &Path) -> Result<Sealed, Problem> {
        let wrong = |e: &dyn core::fmt::Display| Problem::Sound(e.to_string());
        let mut file = File::open(path).map_err(|e| wrong(&e.kind()))?;
        let mut head = [0; HEADER_BYTES];
        file.read_exact(&mut head).map_err(|e| wrong(&e.kind()))?;
        let opener = Opener::open(key, &head).map_err(|e| wrong(&e))?;
        let bytes = file.metadata().map_err(|e| wrong(&e.kind()))?.len();
        let mut last = Vec::with_capacity(FOOTER_BYTES);
        file.seek(SeekFrom::Start(bytes.saturating_sub(FOOTER_BYTES as u64)))
            .map_err(|e| wrong(&e.kind()))?;
        // The file may grow between the two looks; the footer is the last of what was there.
        Read::by_ref(&mut file)
            .take(FOOTER_BYTES as u64)
            .read_to_end(&mut last)
            .map_err(|e| wrong(&e.kind()))?;
        let extent = opener.extent(bytes, &last);
        Ok(Sealed { file, opener, extent })
    }

    /// Bytes of the WAV file.
    #[must_use]
    pub const fn length(&self) -> u64 {
        WAV_HEADER_BYTES + self.extent.frames * FRAME_BYTES
    }

    /// Sends bytes `span` of the WAV file. Blocks; ends early when nobody takes them.
    pub fn send(mut self, span: Span, to: &mpsc::Sender<io::Result<Bytes>>) {
        let header = header(self.extent.frames);
        let mut at = span.first;
        while at <= span.last {
            let piece = if at < WAV_HEADER_BYTES {
                let from = usize::try_from(at).unwrap_or(0);
                Ok(Bytes::copy_from_slice(header.get(from..).unwrap_or_default()))
            } else {
                self.sound_from(at - WAV_HEADER_BYTES)
            };
            let piece = piece.map(|mut piece| {
                let left = usize::try_from(span.last - at + 1).unwrap_or(usize::MAX);
                piece.truncate(left);
                piece
            });
            let taken = piece.as_ref().map_or(0, Bytes::len) as u64;
            if to.blocking_send(piece).is_err() || taken == 0 {
                return;
            }
            at += taken;
        }
    }

    /// Sound from byte `offset` to the end of its second.
    fn sound_from(&mut self, offset: u64) -> io::Result<Bytes> {
        let (second, within) = (offset / SOUND_BYTES as u64, offset % SOUND_BYTES as u64);
        let place = Opener::segment(self.extent, second);
        let (at, length) = place.ok_or(io::ErrorKind::UnexpectedEof)?;
        self.file.seek(SeekFrom::Start(at))?;
        let mut segment = vec![0; length];
        self.file.read_exact(&mut segment)?;
        let sound = self.opener.sound(second, &segment).map_err(io::Error::other)?;
        let within = usize::try_from(within).unwrap_or(usize::MAX);
        let sound = Bytes::from(sound);
        Ok(sound.slice(within.min(sound.len())..))
    }
}

/// The header of a WAV file with so many frames (RIFF, format 1: PCM).
#[must_use]
pub fn header(frames: u64) -> [u8; 44] {
    let sound = u32::try_from(frames * FRAME_BYTES).unwrap_or(u32::MAX - 36);
    let frame = u16::try_from(FRAME_BYTES).unwrap_or(4);
    let mut bytes = [0; 44];
    let mut at = 0;
    let mut put = |piece: &[u8]| {
        if let Some(room) = bytes.get_mut(at..at + piece.len()) {
            room.copy_from_slice(piece);
        }
        at += piece.len();
    };
    put(b"RIFF");
    put(&(sound + 36).to_le_bytes());
    put(b"WAVEfmt ");
    put(&16u32.to_le_bytes());
    put(&1u16.to_le_bytes());
    put(&u16::try_from(CHANNELS).unwrap_or(2).to_le_bytes());
    put(&RATE_HZ.to_le_bytes());
    put(&(RATE_HZ * u32::from(frame)).to_le_bytes());
    put(&frame.to_le_bytes());
    put(&16u16.to_le_bytes());
    put(b"data");
    put(&sound.to_le_bytes());
    bytes
}

/// Bytes of a file, both ends inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first.
    pub first: u64,
    /// The last.
    pub last: u64,
}

/// What a `Range` header asks for of a file of `length` bytes (RFC 9110 §14.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ranged {
    /// All of it: no header, several parts, or words that we do not know.
    Whole,
    /// This part.
    Part(Span),
    /// A part behind the end.
    BehindEnd,
}

impl Ranged {
    /// Reads the header.
    #[must_use]
    pub fn read(header: Option<&str>, length: u64) -> Ranged {
        let Some(range) = header.and_then(|text| text.trim().strip_prefix("bytes=")) else {
            return Ranged::Whole;
        };
        let Some((first, last)) = range.split_once('-') else { return Ranged::Whole };
        let end = length.saturating_sub(1);
        match (number(first), number(last)) {
            (Some(Some(first)), Some(last)) => {
                let last = last.unwrap_or(end).min(end);
                if first >= length {
                    Ranged::BehindEnd
                } else if first > last {
                    Ranged::Whole
                } else {
                    Ranged::Part(Span { first, last })
                }
            }
            (Some(None), Some(Some(0))) => Ranged::BehindEnd,
            (Some(None), Some(Some(count))) if length > 0 => {
                Ranged::Part(Span { first: length.saturating_sub(count), last: end })
            }
            (_, _) => Ranged::Whole,
        }
    }
}

/// `Some(None)`: nothing is written. `None`: no number.
fn number(text: &str) -> Option<Option<u64>> {
    let text = text.trim();
    if text.is_empty() {
        return Some(None);
    }
    text.bytes().all(|b| b.is_ascii_digit()).then(|| Some(text.parse().unwrap_or(u64::MAX)))
}

/// A body that a blocking reader fills, piece by piece.
pub fn stream() -> (mpsc::Sender<io::Result<Bytes>>, Body) {
    let (sender, receiver) = mpsc::channel(PIECES_MAX);
    (sender, Body::from_stream(Filled(receiver)))
}

struct Filled(mpsc::Receiver<io::Result<Bytes>>);

impl Stream for Filled {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Cx<'_>) -> Poll<Option<io::Result<Bytes>>> {
        self.0.poll_recv(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use call::{RecordingId, Stamp};
    use link::sealed::{Header, Sealer};
    use proptest::prelude::*;
    use std::io::Write;

    #[test]
    fn the_parts_that_players_ask_for_are_understood() {
        let part = |first, last| Ranged::Part(Span { first, last });
        let cases = [
            (None, Ranged::Whole),
            (Some("bytes=0-"), part(0, 99)),
            (Some("bytes=10-19"), part(10, 19)),
            (Some("bytes=90-500"), part(90, 99)),
            (Some("bytes=-10"), part(90, 99)),
            (Some("bytes=-500"), part(0, 99)),
            (Some("bytes=100-"), Ranged::BehindEnd),
            (Some("bytes=-0"), Ranged::BehindEnd),
            (Some("bytes=99999999999999999999-"), Ranged::BehindEnd),
            (Some("bytes=20-10"), Ranged::Whole),
            (Some("bytes=0-1,5-6"), Ranged::Whole),
            (Some("seconds=0-1"), Ranged::Whole),
            (Some("bytes=-"), Ranged::Whole),
        ];
        for (header, expected) in cases {
            assert_eq!(Ranged::read(header, 100), expected, "{header:?}");
        }
        assert_eq!(Ranged::read(Some("bytes=0-"), 0), Ranged::BehindEnd);
    }

    fn recording(frames: usize, closed: bool) -> (tempfile::NamedTempFile, Vec<u8>) {
        let sound: Vec<u8> = (0..frames * 4).map(|i| (i * 31 % 251) as u8).collect();
        let about = Header { recording: RecordingId(7), started: Stamp(1) };
        let (mut sealer, head) = Sealer::begin(&BoxKey([7; 32]), about).unwrap();
        let mut bytes = head.to_vec();
        let mut chunks = sound.chunks_exact(SOUND_BYTES);
        for second in &mut chunks {
            let mut second = second.to_vec();
            let tag = sealer.seal(&mut second);
            bytes.extend(second);
            bytes.extend(tag);
        }
        let rest = chunks.remainder().to_vec();
        let whole = sound.len() - if closed { 0 } else { rest.len() };
        if closed {
            bytes.extend(sealer.finish(rest));
        }
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&bytes).unwrap();
        (file, sound[..whole].to_vec())
    }

    fn read(file: &tempfile::NamedTempFile, span: Span) -> Vec<u8> {
        let sealed = Sealed::open(&BoxKey([7; 32]), file.path()).unwrap();
        let (sender, mut receiver) = mpsc::channel(64);
        sealed.send(span, &sender);
        drop(sender);
        let mut got = Vec::new();
        while let Ok(piece) = receiver.try_recv() {
            got.extend_from_slice(&piece.unwrap());
        }
        got
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn any_part_is_that_part_of_the_whole(
            frames in 1usize..20_000, closed: bool, first in 0u64..90_000, count in 1u64..90_000,
        ) {
            let (file, sound) = recording(frames, closed);
            let whole: Vec<u8> = header(sound.len() as u64 / 4).into_iter().chain(sound).collect();
            let asked = format!("bytes={first}-{}", first + count - 1);
            match Ranged::read(Some(&asked), whole.len() as u64) {
                Ranged::Part(span) => {
                    let expected = &whole[span.first as usize..=span.last as usize];
                    prop_assert_eq!(read(&file, span), expected);
                }
                Ranged::BehindEnd => prop_assert!(first >= whole.len() as u64),
                Ranged::Whole => prop_assert!(false, "{} is a part", asked),
            }
        }
    }

    #[test]
    fn the_header_says_stereo_of_8000_frames_a_second_and_its_length() {
        let bytes = header(8_000);
        assert_eq!(&bytes[..4], b"RIFF");
        assert_eq!(u32::from_le_bytes(bytes[4..8].try_into().unwrap()), 32_036);
        assert_eq!(u32::from_le_bytes(bytes[24..28].try_into().unwrap()), 8_000);
        assert_eq!(u32::from_le_bytes(bytes[40..44].try_into().unwrap()), 32_000);
    }
}
