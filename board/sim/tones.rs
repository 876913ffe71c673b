//! What a telephone network lets be heard without words: call progress tones by country, the
//! special information tone, a machine's beep, and the music that subscribers buy in place of
//! ring-back ("colour ring").
//!
//! ITU-T E.180, E.182 and the list of national tones in E.180 Supplement 2; China: GB 3380 and
//! YD 344; Europe: ETSI TR 101 041; North America: the precise tone plan; Britain: SIN 350. The
//! town makes its own sound and does not take the box's: a mistake there must not be echoed here.

use core::f64::consts::TAU;

use media::PromptId;

/// Samples of a millisecond.
const SAMPLES_A_MS: usize = 8;
/// Amplitude of a sine of 0 dBm0 in linear sound (ITU-T G.711: the largest sine of A-law is
/// +3.14 dBm0).
const PEAK_0_DBM0: f64 = 22_826.0;
/// Level of a call progress tone, in dBm0; of a pair, both together (E.180 §3).
const TONE_DBM0: f64 = -10.0;
/// Mean level of music, in dBm0: as loud as a voice.
const MUSIC_DBM0: f64 = -18.0;

/// One sound of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tone {
    /// It rings there.
    RingBack(Nation),
    /// The subscriber is in a call.
    Busy(Nation),
    /// The network has no way.
    Congestion(Nation),
    /// The number cannot be reached: listen to what follows.
    SpecialInformation(Nation),
    /// A machine: speak now. Once.
    Beep,
    /// Music in place of ring-back.
    ColourRing(Melody),
}

/// Whose tones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Nation {
    /// 450 Hz.
    #[default]
    China,
    /// 425 Hz: most of the European continent.
    Europe,
    /// Pairs of the precise tone plan.
    NorthAmerica,
    /// 400 and 450 Hz.
    Britain,
}

/// Which music.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Melody {
    /// A slow one.
    #[default]
    River,
    /// A quick one.
    Market,
    /// One of bells.
    Temple,
}

/// A stretch of one sound: one or two tones in Hz (0: none), and how long, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stretch {
    /// The first tone.
    pub low_hz: f64,
    /// The second.
    pub high_hz: f64,
    /// For so long.
    pub ms: u32,
}

const fn on(low_hz: f64, ms: u32) -> Stretch {
    Stretch { low_hz, high_hz: 0.0, ms }
}

const fn pair(low_hz: f64, high_hz: f64, ms: u32) -> Stretch {
    Stretch { low_hz, high_hz, ms }
}

const fn off(ms: u32) -> Stretch {
    Stretch { low_hz: 0.0, high_hz: 0.0, ms }
}

impl Nation {
    /// All of them.
    pub const ALL: [Nation; 4] =
        [Nation::China, Nation::Europe, Nation::NorthAmerica, Nation::Britain];

    /// The nation of an ISO 3166 code; those that are not named here have European tones.
    #[must_use]
    pub fn of_country(code: &str) -> Nation {
        match code {
            "CN" => Nation::China,
            "US" | "CA" => Nation::NorthAmerica,
            "GB" => Nation::Britain,
            _ => Nation::Europe,
        }
    }
}

impl Melody {
    /// All of them.
    pub const ALL: [Melody; 3] = [Melody::River, Melody::Market, Melody::Temple];

    /// Notes in half-tones above 440 Hz, each with its length in milliseconds. Pentatonic, and
    /// nobody's: made for this town.
    const fn notes(self) -> &'static [(i32, u32)] {
        match self {
            Melody::River => &[
                (0, 600),
                (3, 300),
                (5, 300),
                (7, 900),
                (5, 300),
                (3, 600),
                (0, 600),
                (-2, 300),
                (0, 1_500),
            ],
            Melody::Market => &[
                (7, 200),
                (5, 200),
                (7, 200),
                (10, 400),
                (7, 200),
                (5, 200),
                (3, 200),
                (5, 400),
                (3, 200),
                (0, 600),
            ],
            Melody::Temple => &[(12, 1_200), (7, 1_200), (10, 1_200), (5, 1_800)],
        }
    }
}

impl Tone {
    /// Every tone.
    pub fn all() -> impl Iterator<Item = Tone> {
        let national = Nation::ALL.into_iter().flat_map(|nation| {
            [
                Tone::RingBack(nation),
                Tone::Busy(nation),
                Tone::Congestion(nation),
                Tone::SpecialInformation(nation),
            ]
        });
        national.chain([Tone::Beep]).chain(Melody::ALL.map(Tone::ColourRing))
    }

    /// Whether it goes on until it is stopped.
    #[must_use]
    pub const fn is_endless(self) -> bool {
        !matches!(self, Tone::Beep)
    }

    /// Its place in the library of the sound core, behind the voices.
    #[must_use]
    pub fn prompt(self) -> PromptId {
        const FIRST: u16 = 100;
        let at = Tone::all().position(|tone| tone == self).unwrap_or(0);
        PromptId(FIRST + at as u16)
    }

    /// One round of its cadence. Music has none.
    #[must_use]
    pub const fn cadence(self) -> &'static [Stretch] {
        use Nation::{Britain, China, Europe, NorthAmerica};
        match self {
            Tone::RingBack(China) => const { &[on(450.0, 1_000), off(4_000)] },
            Tone::RingBack(Europe) => const { &[on(425.0, 1_000), off(4_000)] },
            Tone::RingBack(NorthAmerica) => const { &[pair(440.0, 480.0, 2_000), off(4_000)] },
            Tone::RingBack(Britain) => {
                const { &[pair(400.0, 450.0, 400), off(200), pair(400.0, 450.0, 400), off(2_000)] }
            }
            Tone::Busy(China) => const { &[on(450.0, 350), off(350)] },
            Tone::Busy(Europe) => const { &[on(425.0, 500), off(500)] },
            Tone::Busy(NorthAmerica) => const { &[pair(480.0, 620.0, 500), off(500)] },
            Tone::Busy(Britain) => const { &[on(400.0, 375), off(375)] },
            Tone::Congestion(China) => const { &[on(450.0, 700), off(700)] },
            Tone::Congestion(Europe) => const { &[on(425.0, 200), off(200)] },
            Tone::Congestion(NorthAmerica) => const { &[pair(480.0, 620.0, 250), off(250)] },
            Tone::Congestion(Britain) => {
                const { &[on(400.0, 400), off(350), on(400.0, 225), off(525)] }
            }
            // Three short and one long: China tells a vacant number with its one frequency.
            Tone::SpecialInformation(China) => {
                const {
                    &[
                        on(450.0, 100),
                        off(100),
                        on(450.0, 100),
                        off(100),
                        on(450.0, 100),
                        off(100),
                        on(450.0, 400),
                        off(400),
                    ]
                }
            }
            Tone::SpecialInformation(Europe | Britain) => {
                const { &[on(950.0, 330), on(1_400.0, 330), on(1_800.0, 330), off(1_000)] }
            }
            Tone::SpecialInformation(NorthAmerica) => {
                const { &[on(985.2, 380), on(1_370.6, 274), on(1_776.7, 380), off(1_000)] }
            }
            Tone::Beep => const { &[on(1_000.0, 200)] },
            Tone::ColourRing(_) => &[],
        }
    }

    /// The samples of one round at 8 kHz, linear.
    #[must_use]
    pub fn samples(self) -> Vec<i16> {
        match self {
            Tone::ColourRing(melody) => music(melody),
            Tone::RingBack(_)
            | Tone::Busy(_)
            | Tone::Congestion(_)
            | Tone::SpecialInformation(_)
            | Tone::Beep => self.cadence().iter().flat_map(|stretch| sound(*stretch)).collect(),
        }
    }
}

fn sound(Stretch { low_hz, high_hz, ms }: Stretch) -> impl Iterator<Item = i16> {
    let tones = [low_hz, high_hz].map(|hz| (hz, f64::from(u8::from(hz > 0.0))));
    let count: f64 = tones.iter().map(|(_, is)| is).sum();
    // So much for each that all together have the level.
    let peak = PEAK_0_DBM0 * 10f64.powf(TONE_DBM0 / 20.0) / count.max(1.0).sqrt();
    (0..ms as usize * SAMPLES_A_MS).map(move |n| {
        let at = |(hz, is): (f64, f64)| is * peak * (TAU * hz * n as f64 / 8_000.0).sin();
        tones.into_iter().map(at).sum::<f64>().round() as i16
    })
}

/// Plucked strings: each note with its octave, fading; the next one begins while it still sounds.
fn music(melody: Melody) -> Vec<i16> {
    let notes = melody.notes();
    let length = notes.iter().map(|(_, ms)| *ms as usize * SAMPLES_A_MS).sum::<usize>();
    let mut mixed = vec![0.0f64; length];
    let mut begins = 0;
    for &(half_tones, ms) in notes {
        let hz = 440.0 * 2f64.powf(f64::from(half_tones) / 12.0);
        for n in 0..length {
            let t = n as f64 / 8_000.0;
            let plucked = (TAU * hz * t).sin() + 0.4 * (2.0 * TAU * hz * t).sin();
            // The round closes: what still sounds at its end sounds into its beginning.
            if let Some(sample) = mixed.get_mut((begins + n) % length) {
                *sample += plucked * (-1.5 * t).exp();
            }
        }
        begins += ms as usize * SAMPLES_A_MS;
    }
    let mean = (mixed.iter().map(|s| s * s).sum::<f64>() / length.max(1) as f64).sqrt();
    let wanted = PEAK_0_DBM0 / core::f64::consts::SQRT_2 * 10f64.powf(MUSIC_DBM0 / 20.0);
    let gain = wanted / mean.max(1.0e-9);
    mixed.into_iter().map(|s| (s * gain).round().clamp(-32_768.0, 32_767.0) as i16).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use media::detect::{level_dbm0, power_at_hz};
    use media::{Codec, g711};

    /// What is left of a sound on a line: A-law and back.
    fn heard(samples: &[i16]) -> Vec<i16> {
        let mut bytes = vec![0; samples.len()];
        g711::encode(Codec::Alaw, samples, &mut bytes);
        let mut linear = vec![0; samples.len()];
        g711::decode(Codec::Alaw, &bytes, &mut linear);
        linear
    }

    /// Stretches of sound and silence as an ear measures them, in steps of 5 ms: loud or not, how
    /// long in milliseconds, and the samples.
    fn measured(samples: &[i16]) -> Vec<(bool, u32, Vec<i16>)> {
        let mut found: Vec<(bool, u32, Vec<i16>)> = Vec::new();
        for step in samples.chunks(5 * SAMPLES_A_MS) {
            let loud = level_dbm0(step) > -40;
            match found.last_mut() {
                Some((was, ms, all)) if *was == loud => {
                    *ms += 5;
                    all.extend_from_slice(step);
                }
                _ => found.push((loud, 5, step.to_vec())),
            }
        }
        found
    }

    #[test]
    fn a_detector_measures_every_cadence_frequency_and_level_of_the_books() {
        // Frequencies, then sound and silence in turn, in ms.
        let china = Nation::China;
        let books: [(Tone, &[f64], &[u32]); 9] = [
            (Tone::RingBack(china), &[450.0], &[1_000, 4_000]),
            (Tone::Busy(china), &[450.0], &[350, 350]),
            (Tone::Congestion(china), &[450.0], &[700, 700]),
            (Tone::SpecialInformation(china), &[450.0], &[100, 100, 100, 100, 100, 100, 400, 400]),
            (Tone::RingBack(Nation::Europe), &[425.0], &[1_000, 4_000]),
            (Tone::Busy(Nation::Europe), &[425.0], &[500, 500]),
            (Tone::RingBack(Nation::NorthAmerica), &[440.0, 480.0], &[2_000, 4_000]),
            (Tone::Busy(Nation::NorthAmerica), &[480.0, 620.0], &[500, 500]),
            (Tone::RingBack(Nation::Britain), &[400.0, 450.0], &[400, 200, 400, 2_000]),
        ];
        for (tone, tones_hz, cadence) in books {
            let stretches = measured(&heard(&tone.samples()));
            let lengths: Vec<u32> = stretches.iter().map(|(_, ms, _)| *ms).collect();
            assert_eq!(lengths, cadence, "{tone:?}");
            for (at, (loud, _, samples)) in stretches.iter().enumerate() {
                assert_eq!(*loud, at % 2 == 0, "{tone:?}");
                if *loud {
                    assert!((-11..=-9).contains(&level_dbm0(samples)), "{tone:?}");
                    let there: f64 = tones_hz.iter().map(|hz| power_at_hz(samples, *hz)).sum();
                    assert!(there > 0.95, "{tone:?}: {there}");
                }
            }
        }
    }

    #[test]
    fn special_information_rises_in_three_steps_without_a_gap() {
        let samples = heard(&Tone::SpecialInformation(Nation::Europe).samples());
        let (loud, ms, sound) = measured(&samples).remove(0);
        assert_eq!((loud, ms), (true, 990));
        for (third, hz) in sound.chunks(330 * SAMPLES_A_MS).zip([950.0, 1_400.0, 1_800.0]) {
            assert!(power_at_hz(third, hz) > 0.98, "{hz}");
        }
    }

    #[test]
    fn music_is_as_loud_as_a_voice_and_no_tone_of_any_network() {
        for melody in Melody::ALL {
            let samples = heard(&Tone::ColourRing(melody).samples());
            assert!((2_000..=6_500).contains(&(samples.len() / SAMPLES_A_MS)), "{melody:?}");
            assert!((-19..=-17).contains(&level_dbm0(&samples)), "{melody:?}");
            for hz in [400.0, 425.0, 450.0, 480.0] {
                assert!(power_at_hz(&samples, hz) < 0.3, "{melody:?} at {hz}");
            }
            // It never pauses as a ring-back does.
            let longest = measured(&samples).into_iter().filter(|(loud, ..)| !loud);
            assert!(longest.map(|(_, ms, _)| ms).max().unwrap_or(0) < 500, "{melody:?}");
        }
    }

    #[test]
    fn every_tone_has_a_place_of_its_own_behind_the_voices() {
        let mut places: Vec<PromptId> = Tone::all().map(Tone::prompt).collect();
        places.extend(crate::voice::Voice::all().map(crate::voice::Voice::prompt));
        let count = places.len();
        places.sort_unstable();
        places.dedup();
        assert_eq!(places.len(), count);
    }

    #[test]
    fn nations_are_found_by_their_code() {
        assert_eq!(Nation::of_country("CN"), Nation::China);
        assert_eq!(Nation::of_country("FR"), Nation::Europe);
        assert_eq!(Nation::of_country("CA"), Nation::NorthAmerica);
    }
}
