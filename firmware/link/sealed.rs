//! The sealed recording: stereo 16-bit sound in authenticated segments of one second.
//!
//! ```text
//! header   96 bytes   magic 8 · recording 8 · started 8 · rate 4 · channels 4 · nonce 12
//!                     · file key, sealed by the box key 32+16 · zero 4
//! segment  32,000 bytes of sound (8,000 frames, left right, little-endian) + tag 16     × n
//! [tail    fewer frames + tag 16]       only when the recording was closed
//! [footer  frames 8 + tag 16]           only when the recording was closed
//! ```
//!
//! AES-256-GCM (NIST SP 800-38D). Each file has a random key of its own, so the segment's number can
//! be its nonce. Segments have one size, so second *n* is found without reading those before it, and
//! a file that still grows, or was cut by a power failure, is good up to its last whole second.
//! The footer authenticates the length: a file without it is *not known* to be complete.

use aes_gcm::aead::{Aead, AeadInPlace, Payload};
use aes_gcm::{Aes256Gcm, Key, KeyInit, Nonce, Tag};
use call::{RecordingId, Stamp};

use crate::key::{BoxKey, KeyError};

/// Frames a second.
pub const RATE_HZ: u32 = 8_000;
/// Left is the customer, right the agent.
pub const CHANNELS: usize = 2;
/// Bytes of the header.
pub const HEADER_BYTES: usize = 96;
/// Bytes of sound in a whole segment: one second.
pub const SOUND_BYTES: usize = RATE_HZ as usize * CHANNELS * 2;
/// Bytes of a whole segment on disk.
pub const SEGMENT_BYTES: usize = SOUND_BYTES + TAG_BYTES;
/// Bytes of the footer.
pub const FOOTER_BYTES: usize = 8 + TAG_BYTES;

const TAG_BYTES: usize = 16;
const FRAME_BYTES: usize = CHANNELS * 2;
const MAGIC: &[u8; 8] = b"LBXREC1\n";
/// The nonce number of the footer; no recording has so many seconds.
const FOOTER_NUMBER: u64 = u64::MAX;

/// A file is not what it should be.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Too short, or another kind of file.
    #[error("not a sealed recording")]
    NotARecording,
    /// Sealed by another box, or altered.
    #[error("cannot be opened with this box's key: it comes from another box or was altered")]
    WrongKey,
    /// Altered or damaged.
    #[error("second {0} is damaged or was altered")]
    Damaged(u64),
}

/// What the header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Which recording.
    pub recording: RecordingId,
    /// When it started.
    pub started: Stamp,
}

/// Writes one recording. Gives bytes to append; does no I/O.
pub struct Sealer {
    cipher: Aes256Gcm,
    next_segment: u64,
    frames: u64,
}

impl Sealer {
    /// Begins a recording: the sealer and the header to write first.
    ///
    /// # Errors
    /// [`KeyError::NoRandom`] when the system gives no random bytes.
    pub fn begin(key: &BoxKey, header: Header) -> Result<(Sealer, [u8; HEADER_BYTES]), KeyError> {
        let mut random = [0u8; 44];
        getrandom::fill(&mut random).map_err(KeyError::NoRandom)?;
        let (file_key, nonce) = random.split_at(32);
        let mut bytes = [0u8; HEADER_BYTES];
        let mut at = 0;
        let mut put = |piece: &[u8]| {
            bytes[at..at + piece.len()].copy_from_slice(piece);
            at += piece.len();
        };
        put(MAGIC);
        put(&header.recording.0.to_le_bytes());
        put(&header.started.0.to_le_bytes());
        put(&RATE_HZ.to_le_bytes());
        put(&(CHANNELS as u32).to_le_bytes());
        put(nonce);
        let mut sealed_key = [0u8; 32];
        sealed_key.copy_from_slice(file_key);
        let tag = box_cipher(key)
            .encrypt_in_place_detached(Nonce::from_slice(nonce), &bytes[..32], &mut sealed_key)
            .map_err(|_| KeyError::NoRandom(getrandom::Error::UNEXPECTED))?;
        bytes[44..76].copy_from_slice(&sealed_key);
        bytes[76..92].copy_from_slice(&tag);
        let cipher = Aes256Gcm::new(Key::<Aes256Gcm>::from_slice(file_key));
        Ok((Sealer { cipher, next_segment: 0, frames: 0 }, bytes))
    }

    /// Seals one whole second of interleaved samples in place: `sound` is [`SOUND_BYTES`] long and
    /// becomes ciphertext; the tag to append behind it is returned.
    #[must_use]
    pub fn seal(&mut self, sound: &mut [u8]) -> [u8; TAG_BYTES] {
        let number = self.next_segment;
        self.next_segment += 1;
        self.frames += (sound.len() / FRAME_BYTES) as u64;
        self.seal_as(number, sound)
    }

    /// Ends the recording: seals the rest (shorter than a second, may be empty) and the footer, and
    /// gives the bytes to append.
    #[must_use]
    pub fn finish(mut self, mut rest: Vec<u8>) -> Vec<u8> {
        if !rest.is_empty() {
            let tag = self.seal(&mut rest);
            rest.extend_from_slice(&tag);
        }
        let mut footer = self.frames.to_le_bytes();
        let tag = self.seal_as(FOOTER_NUMBER, &mut footer);
        rest.extend_from_slice(&footer);
        rest.extend_from_slice(&tag);
        rest
    }

    fn seal_as(&self, number: u64, bytes: &mut [u8]) -> [u8; TAG_BYTES] {
        // The only failure that the cipher knows is a text of over 64 GiB.
        self.cipher
            .encrypt_in_place_detached(&segment_nonce(number), &[], bytes)
            .map_or([0; TAG_BYTES], Into::into)
    }
}

/// Reads one recording, piece by piece, from whatever holds its bytes.
pub struct Opener {
    cipher: Aes256Gcm,
    header: Header,
}

/// How much of a file is sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Whole frames that can be read.
    pub frames: u64,
    /// Whether the footer says that this is all.
    pub complete: bool,
}

impl Opener {
    /// Opens a file by its first [`HEADER_BYTES`].
    ///
    /// # Errors
    /// [`SealError::NotARecording`], [`SealError::WrongKey`].
    pub fn open(key: &BoxKey, bytes: &[u8]) -> Result<Opener, SealError> {
        let bytes: &[u8; HEADER_BYTES] = bytes
            .get(..HEADER_BYTES)
            .and_then(|b| b.try_into().ok())
            .ok_or(SealError::NotARecording)?;
        if &bytes[..8] != MAGIC {
            return Err(SealError::NotARecording);
        }
        let number = |at: usize| {
            let mut eight = [0u8; 8];
            eight.copy_from_slice(&bytes[at..at + 8]);
            i64::from_le_bytes(eight)
        };
        let header = Header { recording: RecordingId(number(8)), started: Stamp(number(16)) };
        let mut file_key = [0u8; 32];
        file_key.copy_from_slice(&bytes[44..76]);
        box_cipher(key)
            .decrypt_in_place_detached(
                Nonce::from_slice(&bytes[32..44]),
                &bytes[..32],
                &mut file_key,
                Tag::from_slice(&bytes[76..92]),
            )
            .map_err(|_| SealError::WrongKey)?;
        Ok(Opener { cipher: Aes256Gcm::new(Key::<Aes256Gcm>::from_slice(&file_key)), header })
    }

    /// What the header says.
    #[must_use]
    pub fn header(&self) -> Header {
        self.header
    }

    /// How much sound a file of `file_bytes` holds, given its last [`FOOTER_BYTES`] (or fewer).
    #[must_use]
    pub fn extent(&self, file_bytes: u64, last: &[u8]) -> Extent {
        let body = file_bytes.saturating_sub(HEADER_BYTES as u64);
        let whole = body / SEGMENT_BYTES as u64;
        let growing = Extent { frames: whole * u64::from(RATE_HZ), complete: false };
        let Ok(footer) = <&[u8; FOOTER_BYTES]>::try_from(last) else { return growing };
        let payload = Payload { msg: footer, aad: &[] };
        match self.cipher.decrypt(&segment_nonce(FOOTER_NUMBER), payload) {
            Ok(plain) => match plain.try_into() {
                Ok(eight) => Extent { frames: u64::from_le_bytes(eight), complete: true },
                Err(_) => growing,
            },
            Err(_) => growing,
        }
    }

    /// Where second `n` lies in the file and how long it is on disk, in a file of this extent.
    /// `None` behind its end.
    #[must_use]
    pub fn segment(extent: Extent, n: u64) -> Option<(u64, usize)> {
        let first = n.checked_mul(u64::from(RATE_HZ))?;
        let frames = extent.frames.checked_sub(first)?.min(u64::from(RATE_HZ)) as usize;
        let at = HEADER_BYTES as u64 + n * SEGMENT_BYTES as u64;
        (frames > 0).then_some((at, frames * FRAME_BYTES + TAG_BYTES))
    }

    /// The sound of second `n`, given its bytes on disk: interleaved little-endian samples.
    ///
    /// # Errors
    /// [`SealError::Damaged`].
    pub fn sound(&self, n: u64, segment: &[u8]) -> Result<Vec<u8>, SealError> {
        let payload = Payload { msg: segment, aad: &[] };
        self.cipher.decrypt(&segment_nonce(n), payload).map_err(|_| SealError::Damaged(n))
    }
}

fn box_cipher(key: &BoxKey) -> Aes256Gcm {
    Aes256Gcm::new(Key::<Aes256Gcm>::from_slice(&key.0))
}

fn segment_nonce(number: u64) -> Nonce<aes_gcm::aead::consts::U12> {
    let mut nonce = [0u8; 12];
    nonce[..8].copy_from_slice(&number.to_le_bytes());
    nonce.into()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEY: BoxKey = BoxKey([7; 32]);

    fn header() -> Header {
        Header { recording: RecordingId(42), started: Stamp(1_000) }
    }

    /// A file of `frames` frames, closed or cut after its last whole second.
    fn file(frames: usize, closed: bool) -> (Vec<u8>, Vec<u8>) {
        let sound: Vec<u8> = (0..frames * FRAME_BYTES).map(|i| (i * 31 % 251) as u8).collect();
        let (mut sealer, head) = Sealer::begin(&KEY, header()).unwrap();
        let mut out = head.to_vec();
        let mut chunks = sound.chunks_exact(SOUND_BYTES);
        for second in &mut chunks {
            let mut second = second.to_vec();
            let tag = sealer.seal(&mut second);
            out.extend(second);
            out.extend(tag);
        }
        if closed {
            out.extend(sealer.finish(chunks.remainder().to_vec()));
        }
        (sound, out)
    }

    fn read(key: &BoxKey, bytes: &[u8]) -> Result<(Vec<u8>, Extent), SealError> {
        let opener = Opener::open(key, bytes)?;
        let extent =
            opener.extent(bytes.len() as u64, &bytes[bytes.len().saturating_sub(FOOTER_BYTES)..]);
        let mut sound = Vec::new();
        for n in 0.. {
            let Some((at, length)) = Opener::segment(extent, n) else { break };
            sound.extend(opener.sound(n, &bytes[at as usize..at as usize + length])?);
        }
        Ok((sound, extent))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn what_was_sealed_is_read_again(frames in 0usize..20_000) {
            let (sound, bytes) = file(frames, true);
            let (got, extent) = read(&KEY, &bytes).unwrap();
            prop_assert_eq!(extent, Extent { frames: frames as u64, complete: true });
            prop_assert_eq!(got, sound);
        }

        #[test]
        fn a_cut_anywhere_loses_at_most_the_last_second(cut in HEADER_BYTES..(HEADER_BYTES + 3 * SEGMENT_BYTES)) {
            let (sound, bytes) = file(24_000, false);
            let (got, extent) = read(&KEY, &bytes[..cut]).unwrap();
            prop_assert!(!extent.complete);
            prop_assert!(sound.starts_with(&got));
            prop_assert!(cut - HEADER_BYTES - got.len() < SEGMENT_BYTES + 3 * TAG_BYTES);
        }

        #[test]
        fn one_changed_bit_anywhere_is_noticed(at in 0usize..(HEADER_BYTES - 4 + SEGMENT_BYTES), bit in 0u8..8) {
            let (_, mut bytes) = file(8_000, true);
            bytes[at] ^= 1 << bit;
            prop_assert!(read(&KEY, &bytes).is_err());
        }
    }

    #[test]
    fn another_box_cannot_read_it() {
        let (_, bytes) = file(100, true);
        assert_eq!(read(&BoxKey([8; 32]), &bytes).unwrap_err(), SealError::WrongKey);
    }

    #[test]
    fn a_second_is_found_without_reading_those_before_it() {
        let (sound, bytes) = file(30_000, true);
        let opener = Opener::open(&KEY, &bytes).unwrap();
        assert_eq!(opener.header(), header());
        let extent = Extent { frames: 30_000, complete: true };
        let (at, length) = Opener::segment(extent, 3).unwrap();
        let tail = opener.sound(3, &bytes[at as usize..at as usize + length]).unwrap();
        assert_eq!(tail, sound[3 * SOUND_BYTES..]);
        assert_eq!(Opener::segment(extent, 4), None);
    }
}
