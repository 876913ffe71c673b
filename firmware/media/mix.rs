//! The sum of what an ear hears.
//!
//! Most ears hear one source as loud as it came; for them nothing is added and nothing copied:
//! the mixer answers whose sound it is. Sums are saturated, never wrapped.

use crate::command::Codec;
use crate::g711;
use crate::id::Gain;
use crate::table::{Row, Table};
use crate::{FRAME, Frame};

/// What a source says in this tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voice {
    /// Nothing.
    Silent,
    /// Its linear frame.
    Linear,
    /// Its linear frame, and exactly these bytes of this law.
    Exact(Codec),
}

/// The sound of all sources in this tick: ports, then players, in the order of
/// [`Table::source_index`].
#[derive(Debug)]
pub struct Sources {
    /// Whether a source says anything.
    pub voice: Vec<Voice>,
    /// Linear sound; valid unless silent.
    pub frame: Vec<Frame>,
    /// Encoded sound; valid where exact.
    pub bytes: Vec<[u8; FRAME]>,
}

/// What an ear hears in this tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mixed {
    /// Nothing.
    Silence,
    /// This one source as it came.
    One(usize),
    /// The sum in the buffer given.
    Sum,
}

static SILENCE: Frame = [0; FRAME];

impl Sources {
    /// So many silent sources.
    #[must_use]
    pub fn new(count: usize) -> Sources {
        Sources {
            voice: vec![Voice::Silent; count],
            frame: vec![[0; FRAME]; count],
            bytes: vec![[0; FRAME]; count],
        }
    }

    /// Sums what `rows` hear; `sum` is written only where the answer is [`Mixed::Sum`].
    pub fn mix(&self, table: &Table, rows: &[Row], sum: &mut Frame) -> Mixed {
        let mut heard = rows.iter().filter_map(|row| {
            let at = table.source_index(row.source)?;
            let silent = self.voice[at] == Voice::Silent || row.gain == Gain::ZERO;
            (!silent).then_some((at, row.gain))
        });
        let Some((first, gain)) = heard.next() else {
            return Mixed::Silence;
        };
        let second = heard.next();
        if second.is_none() && gain.is_unity() {
            return Mixed::One(first);
        }
        let mut wide = [0i32; FRAME];
        add(&mut wide, &self.frame[first], gain);
        for (at, gain) in second.into_iter().chain(heard) {
            add(&mut wide, &self.frame[at], gain);
        }
        for (out, wide) in sum.iter_mut().zip(&wide) {
            *out = (*wide >> 12).clamp(-32768, 32767) as i16;
        }
        Mixed::Sum
    }

    /// The linear sound of an answer.
    #[must_use]
    pub fn linear<'a>(&'a self, mixed: Mixed, sum: &'a Frame) -> &'a Frame {
        match mixed {
            Mixed::Silence => &SILENCE,
            Mixed::One(at) => &self.frame[at],
            Mixed::Sum => sum,
        }
    }

    /// The encoded sound of an answer; bytes that came in this law pass untouched.
    pub fn encode(&self, mixed: Mixed, sum: &Frame, codec: Codec, bytes: &mut [u8; FRAME]) {
        match mixed {
            Mixed::Silence => bytes.fill(g711::silence(codec)),
            Mixed::One(at) if self.voice[at] == Voice::Exact(codec) => {
                bytes.copy_from_slice(&self.bytes[at]);
            }
            Mixed::One(at) => g711::encode(codec, &self.frame[at], bytes),
            Mixed::Sum => g711::encode(codec, sum, bytes),
        }
    }
}

/// Sums stay far from the end of 32 bits: 16 sources of 2^15 at a gain below 2^15 would need 34,
/// so each term is limited to 27 bits first (a source at +18 dB is clipped anyway).
fn add(wide: &mut [i32; FRAME], frame: &Frame, gain: Gain) {
    let gain = i32::from(gain.steps());
    for (wide, &sample) in wide.iter_mut().zip(frame) {
        *wide += (i32::from(sample) * gain).clamp(-(1 << 27), (1 << 27) - 1);
    }
}

const _: () = assert!(
    crate::limits::SOURCES_PER_EAR <= 16,
    "16 terms of 27 bits and sign are what an i32 holds"
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{Ear, PortId, Source};

    /// Ports 0.. with these constant samples; port 9 hears the first `heard` of them.
    fn mixed(samples: &[i16], gains: &[Gain]) -> (Mixed, Frame) {
        let mut table = Table::new(20, 0, 0);
        let mut sources = Sources::new(20);
        let ear = Ear::Port(PortId(19));
        for (n, (&sample, &gain)) in samples.iter().zip(gains).enumerate() {
            table.hear(ear, Source::Port(PortId(n as u16)), gain).unwrap();
            sources.frame[n] = [sample; FRAME];
            sources.voice[n] = if sample == 0 { Voice::Silent } else { Voice::Linear };
        }
        let mut sum = [0; FRAME];
        let mixed = sources.mix(&table, table.rows(ear), &mut sum);
        (mixed, *sources.linear(mixed, &sum))
    }

    #[test]
    fn one_source_is_passed_on_and_silent_ones_do_not_count() {
        assert_eq!(mixed(&[], &[]), (Mixed::Silence, [0; FRAME]));
        assert_eq!(mixed(&[0, 7, 0], &[Gain::UNITY; 3]), (Mixed::One(1), [7; FRAME]));
        assert_eq!(mixed(&[7], &[Gain::ZERO]), (Mixed::Silence, [0; FRAME]));
    }

    #[test]
    fn sums_and_gains_are_exact() {
        assert_eq!(mixed(&[1000, -300], &[Gain::UNITY; 2]), (Mixed::Sum, [700; FRAME]));
        assert_eq!(mixed(&[1000], &[Gain::from_db(-6.02)]).1, [500; FRAME]);
        assert_eq!(mixed(&[1000], &[Gain::from_db(6.0206)]).1[0], 2000);
    }

    #[test]
    fn sixteen_shouting_sources_saturate_and_do_not_wrap() {
        let (loudest, gain) = ([i16::MIN; 16], [Gain::from_db(40.0); 16]);
        assert_eq!(mixed(&loudest, &gain).1, [i16::MIN; FRAME]);
        assert_eq!(mixed(&[i16::MAX; 16], &gain).1, [i16::MAX; FRAME]);
        assert_eq!(mixed(&[i16::MAX; 2], &[Gain::UNITY; 2]).1, [i16::MAX; FRAME]);
    }

    #[test]
    fn bytes_of_the_same_law_pass_untouched() {
        let mut sources = Sources::new(1);
        sources.voice[0] = Voice::Exact(Codec::Ulaw);
        sources.bytes[0] = [0x7F; FRAME]; // the negative zero, which encoding never makes
        let (mut bytes, sum) = ([0; FRAME], [0; FRAME]);
        sources.encode(Mixed::One(0), &sum, Codec::Ulaw, &mut bytes);
        assert_eq!(bytes, [0x7F; FRAME]);
        sources.encode(Mixed::One(0), &sum, Codec::Alaw, &mut bytes);
        assert_eq!(bytes, [0xD5; FRAME]);
    }
}
