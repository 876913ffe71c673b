//! Tones the box makes: call progress by country (ITU-T E.180 and its supplement of national
//! tones; China: GF 002-9002.2 / YD 344), beeps, and DTMF pairs (ITU-T Q.23).
//!
//! One oscillator by table; no trigonometry on the tick. Level 0 dBm0 is a sine 3.14 dB below
//! the largest that A-law can carry (ITU-T G.711).

use crate::{FRAME, Frame};

/// A tone with its cadence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// "You may dial": continuous.
    Dial(Country),
    /// "It rings over there."
    RingBack(Country),
    /// "The person is on the phone."
    Busy(Country),
    /// "The network has no way": faster than busy.
    Congestion(Country),
    /// One short beep: a call is joined to a nailed-up seat; "speak after the tone".
    Beep,
    /// Two short beeps: the box has understood (signed in, ready).
    Confirm,
    /// Three low beeps: the box refuses.
    Refuse,
}

/// Whose national tones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Country {
    /// China: 450 Hz.
    #[default]
    China,
    /// United States and Canada: pairs of the precise tone plan.
    NorthAmerica,
    /// United Kingdom.
    Britain,
    /// Most of the European continent: 425 Hz (ETSI TR 101 041).
    Europe,
}

/// One stretch of a cadence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stretch {
    /// Hz; 0 is silence.
    low: u16,
    /// Hz of a second tone beside the first; 0 is none.
    high: u16,
    ms: u16,
}

const fn on(low: u16, high: u16, ms: u16) -> Stretch {
    Stretch { low, high, ms }
}

const fn off(ms: u16) -> Stretch {
    Stretch { low: 0, high: 0, ms }
}

impl Tone {
    /// The stretches of one round, and whether it goes round for ever.
    const fn cadence(self) -> (&'static [Stretch], bool) {
        use Country::{Britain, China, Europe, NorthAmerica};
        match self {
            Tone::Dial(China) => (const { &[on(450, 0, 1000)] }, true),
            Tone::Dial(NorthAmerica | Britain) => (const { &[on(350, 440, 1000)] }, true),
            Tone::Dial(Europe) => (const { &[on(425, 0, 1000)] }, true),
            Tone::RingBack(China) => (const { &[on(450, 0, 1000), off(4000)] }, true),
            Tone::RingBack(NorthAmerica) => (const { &[on(440, 480, 2000), off(4000)] }, true),
            Tone::RingBack(Britain) => {
                (const { &[on(400, 450, 400), off(200), on(400, 450, 400), off(2000)] }, true)
            }
            Tone::RingBack(Europe) => (const { &[on(425, 0, 1000), off(4000)] }, true),
            Tone::Busy(China) => (const { &[on(450, 0, 350), off(350)] }, true),
            Tone::Busy(NorthAmerica) => (const { &[on(480, 620, 500), off(500)] }, true),
            Tone::Busy(Britain) => (const { &[on(400, 0, 375), off(375)] }, true),
            Tone::Busy(Europe) => (const { &[on(425, 0, 500), off(500)] }, true),
            Tone::Congestion(China) => (const { &[on(450, 0, 700), off(700)] }, true),
            Tone::Congestion(NorthAmerica) => (const { &[on(480, 620, 250), off(250)] }, true),
            Tone::Congestion(Britain) => {
                (const { &[on(400, 0, 400), off(350), on(400, 0, 225), off(525)] }, true)
            }
            Tone::Congestion(Europe) => (const { &[on(425, 0, 250), off(250)] }, true),
            Tone::Beep => (const { &[on(1000, 0, 200)] }, false),
            Tone::Confirm => (const { &[on(880, 0, 100), off(80), on(1175, 0, 120)] }, false),
            Tone::Refuse => (
                const { &[on(330, 0, 150), off(100), on(330, 0, 150), off(100), on(330, 0, 150)] },
                false,
            ),
        }
    }
}

/// A tone being played.
#[derive(Clone, Copy, Debug)]
pub struct ToneVoice {
    stretches: &'static [Stretch],
    cyclic: bool,
    at: usize,
    left_samples: u32,
    pair: Pair,
}

impl ToneVoice {
    /// The tone from its beginning.
    #[must_use]
    pub fn new(tone: Tone) -> ToneVoice {
        let (stretches, cyclic) = tone.cadence();
        let mut voice = ToneVoice { stretches, cyclic, at: 0, left_samples: 0, pair: Pair::SILENT };
        voice.enter(0);
        voice
    }

    /// Writes the next 20 ms; `false` when the tone has ended (the frame is then silent from its
    /// end on, and silent if it had ended before).
    pub fn fill(&mut self, frame: &mut Frame) -> bool {
        let mut rest = frame.as_mut_slice();
        while !rest.is_empty() {
            if self.left_samples == 0 && !self.enter(self.at + 1) {
                rest.fill(0);
                return false;
            }
            let n = rest.len().min(self.left_samples as usize);
            let (now, later) = rest.split_at_mut(n);
            self.pair.fill(now);
            self.left_samples -= n as u32;
            rest = later;
        }
        true
    }

    fn enter(&mut self, at: usize) -> bool {
        let at = if self.cyclic && at >= self.stretches.len() { 0 } else { at };
        self.at = at.min(self.stretches.len());
        let Some(stretch) = self.stretches.get(at) else {
            return false;
        };
        self.left_samples = u32::from(stretch.ms) * 8;
        let level_dbm0 = if stretch.high == 0 { TONE_DBM0 } else { TONE_DBM0 - 3 };
        self.pair = Pair::new(stretch.low, level_dbm0, stretch.high, level_dbm0);
        true
    }
}

/// Level of call-progress tones (E.180 §3: about -10 dBm0).
const TONE_DBM0: i8 = -10;

/// Levels of DTMF we make in band: the high group 2 dB above the low, as lines attenuate it more.
const DTMF_LOW_DBM0: i8 = -9;
const DTMF_HIGH_DBM0: i8 = -7;

/// Two sines side by side, phase running on from call to call.
#[derive(Clone, Copy, Debug)]
pub struct Pair {
    phase: [u32; 2],
    step: [u32; 2],
    peak: [i32; 2],
}

impl Pair {
    /// No sound.
    pub const SILENT: Pair = Pair { phase: [0; 2], step: [0; 2], peak: [0; 2] };

    /// Two tones in Hz, each with its level in dBm0 (-40 to 0); 0 Hz is none.
    #[must_use]
    pub fn new(low_hz: u16, low_dbm0: i8, high_hz: u16, high_dbm0: i8) -> Pair {
        Pair {
            phase: [0; 2],
            step: [step(low_hz), step(high_hz)],
            peak: [peak(low_hz, low_dbm0), peak(high_hz, high_dbm0)],
        }
    }

    /// The pair of a DTMF digit (Q.23 table 1), or `None` if it is none.
    #[must_use]
    pub fn of_digit(digit: u8) -> Option<Pair> {
        let place = b"123A456B789C*0#D".iter().position(|&d| d == digit)?;
        let low = *[697, 770, 852, 941].get(place / 4)?;
        let high = *[1209, 1336, 1477, 1633].get(place % 4)?;
        Some(Pair::new(low, DTMF_LOW_DBM0, high, DTMF_HIGH_DBM0))
    }

    /// Writes the next samples.
    pub fn fill(&mut self, samples: &mut [i16]) {
        if self.peak == [0; 2] {
            samples.fill(0);
            return;
        }
        for sample in samples {
            let low = self.peak[0] * sine(self.phase[0]);
            let high = self.peak[1] * sine(self.phase[1]);
            *sample = ((low + high) >> 15).clamp(-32768, 32767) as i16;
            self.phase[0] = self.phase[0].wrapping_add(self.step[0]);
            self.phase[1] = self.phase[1].wrapping_add(self.step[1]);
        }
    }
}

/// A sine of one turn in 1024 steps, peak 32767.
static SINE: [i16; 1024] = sine_table();

fn sine(phase: u32) -> i32 {
    i32::from(SINE[(phase >> 22) as usize])
}

fn step(hz: u16) -> u32 {
    ((u64::from(hz) << 32) / 8000) as u32
}

/// Peak of a sine of `dbm0`, by table from 0 down to -40 dBm0.
fn peak(hz: u16, dbm0: i8) -> i32 {
    if hz == 0 {
        return 0;
    }
    i32::from(PEAK[usize::from(dbm0.clamp(-40, 0).unsigned_abs())])
}

static PEAK: [i16; 41] = peak_table();

/// 32767 / 10^(3.14/20) at 0 dBm0, and 10^(1/20) less for each dB.
const fn peak_table() -> [i16; 41] {
    let mut table = [0; 41];
    let mut peak = 22_826.0;
    let mut i = 0;
    while i < 41 {
        table[i] = peak as i16;
        peak /= 1.122_018_454;
        i += 1;
    }
    table
}

/// By the recurrence of a rotation; its error over 1024 steps is far below one part in 32768.
const fn sine_table() -> [i16; 1024] {
    // cos and sin of 2 pi / 1024
    let (c, s) = (0.999_981_175_282_601_1_f64, 0.006_135_884_649_154_475_f64);
    let mut table = [0; 1024];
    let (mut x, mut y) = (1.0_f64, 0.0_f64);
    let mut i = 0;
    while i < 1024 {
        table[i] = (y * 32767.0) as i16;
        (x, y) = (x * c - y * s, x * s + y * c);
        i += 1;
    }
    table
}

const _: () = assert!(FRAME == 160, "tones are timed in 20 ms frames of 160 samples");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::{level_dbm0, power_at_hz};

    fn frames(tone: Tone, n: usize) -> Vec<Frame> {
        let mut voice = ToneVoice::new(tone);
        (0..n)
            .map(|_| {
                let mut frame = [0; FRAME];
                voice.fill(&mut frame);
                frame
            })
            .collect()
    }

    #[test]
    fn a_chinese_busy_tone_sounds_350_ms_and_rests_350_ms() {
        let samples = frames(Tone::Busy(Country::China), 70).concat();
        for (i, part) in samples.chunks(2800).enumerate() {
            let level = level_dbm0(&part[..2400]);
            if i % 2 == 0 {
                assert!((-11..=-9).contains(&level), "level {level}");
                assert!(power_at_hz(&part[..1600], 450.0) > 0.9);
            } else {
                assert!(part.iter().all(|&s| s == 0), "stretch {i} is not silent");
            }
        }
    }

    #[test]
    fn a_pair_of_tones_is_as_loud_as_one() {
        let frame = frames(Tone::RingBack(Country::NorthAmerica), 20).concat();
        assert!((-11..=-9).contains(&level_dbm0(&frame)));
        assert!(power_at_hz(&frame, 440.0) > 0.4 && power_at_hz(&frame, 480.0) > 0.4);
    }

    #[test]
    fn a_beep_ends_and_says_so() {
        let mut voice = ToneVoice::new(Tone::Beep);
        let mut frame = [0; FRAME];
        let sounding = (0..30).take_while(|_| voice.fill(&mut frame)).count();
        assert_eq!(sounding, 10);
        assert!(!voice.fill(&mut frame));
        assert_eq!(frame, [0; FRAME]);
    }

    #[test]
    fn every_tone_of_every_country_runs_for_a_minute() {
        for c in [Country::China, Country::NorthAmerica, Country::Britain, Country::Europe] {
            for tone in [Tone::Dial(c), Tone::RingBack(c), Tone::Busy(c), Tone::Congestion(c)] {
                let samples = frames(tone, 3000).concat();
                assert!(level_dbm0(&samples) > -22, "{tone:?}");
            }
        }
    }
}
