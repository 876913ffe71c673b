//! A player: prompts one after another, music that loops, or a tone, as one source of the table.
//!
//! Prompts are shared, immutable and live for ever (`&'static`), so that starting, stopping and
//! looping move numbers only.

use crate::command::{Barge, Repeat};
use crate::tone::{Tone, ToneVoice};
use crate::{Frame, limits};

/// One prompt in a playlist: 8 kHz linear samples and how often they are played.
#[derive(Clone, Copy, Debug)]
pub struct Prompt {
    /// The samples.
    pub samples: &'static [i16],
    /// How often.
    pub repeat: Repeat,
}

/// What a tick of a player was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Played {
    /// It plays nothing.
    Idle,
    /// Twenty milliseconds of sound.
    Sound,
    /// Its last sound ended in this tick (or there was none left).
    Ended,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Player {
    now: Now,
    waiting: heapless::Deque<Prompt, { limits::PLAYLIST }>,
    /// Whether a digit ends it.
    pub barge: Barge,
}

#[derive(Clone, Copy, Debug, Default)]
enum Now {
    #[default]
    Idle,
    /// Samples, position, and how many rounds are left after this one (`None`: no end).
    Prompt(&'static [i16], usize, Option<u16>),
    Tone(ToneVoice),
}

impl Player {
    /// Plays this prompt at once and nothing of what was there.
    pub fn play(&mut self, prompt: Prompt, barge: Barge) {
        self.stop();
        self.now = begin(prompt);
        self.barge = barge;
    }

    /// Plays this prompt after all that is there; `false` if the playlist is full.
    pub fn append(&mut self, prompt: Prompt, barge: Barge) -> bool {
        if matches!(self.now, Now::Idle) {
            self.play(prompt, barge);
            return true;
        }
        let taken = self.waiting.push_back(prompt).is_ok();
        if taken {
            self.barge = barge;
        }
        taken
    }

    /// Plays this tone at once and nothing of what was there.
    pub fn play_tone(&mut self, tone: Tone, barge: Barge) {
        self.stop();
        self.now = Now::Tone(ToneVoice::new(tone));
        self.barge = barge;
    }

    /// Falls silent and forgets what waited; `false` if it was silent.
    pub fn stop(&mut self) -> bool {
        self.waiting.clear();
        self.barge = Barge::None;
        !matches!(core::mem::take(&mut self.now), Now::Idle)
    }

    /// Writes the next 20 ms.
    pub fn handle_tick(&mut self, frame: &mut Frame) -> Played {
        let mut rest = frame.as_mut_slice();
        while !rest.is_empty() {
            match &mut self.now {
                Now::Idle => {
                    rest.fill(0);
                    return Played::Idle;
                }
                Now::Tone(voice) => {
                    if !voice.fill(frame) {
                        return self.end();
                    }
                    return Played::Sound;
                }
                Now::Prompt(samples, at, rounds) => {
                    let left = samples.get(*at..).unwrap_or_default();
                    let n = left.len().min(rest.len());
                    let (now, later) = rest.split_at_mut(n);
                    now.copy_from_slice(left.get(..n).unwrap_or_default());
                    rest = later;
                    *at += n;
                    if *at < samples.len() {
                        continue;
                    }
                    match rounds {
                        None => *at = 0,
                        Some(0) => match self.waiting.pop_front() {
                            Some(next) => self.now = begin(next),
                            None => {
                                rest.fill(0);
                                return self.end();
                            }
                        },
                        Some(rounds) => {
                            *rounds -= 1;
                            *at = 0;
                        }
                    }
                }
            }
        }
        Played::Sound
    }

    fn end(&mut self) -> Played {
        self.stop();
        Played::Ended
    }
}

/// A prompt without samples is played once whatever it says: its rounds would never fill a tick.
fn begin(prompt: Prompt) -> Now {
    let rounds = match prompt.repeat {
        _ if prompt.samples.is_empty() => Some(0),
        Repeat::Times(times) => Some(times.saturating_sub(1)),
        Repeat::Forever => None,
    };
    Now::Prompt(prompt.samples, 0, rounds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FRAME;

    static ONES: [i16; 200] = [1; 200];
    static TWOS: [i16; 250] = [2; 250];

    fn once(samples: &'static [i16]) -> Prompt {
        Prompt { samples, repeat: Repeat::Times(1) }
    }

    fn run(player: &mut Player, ticks: usize) -> (Vec<i16>, Vec<Played>) {
        let mut frame = [0; FRAME];
        let (mut sound, mut played) = (Vec::new(), Vec::new());
        for _ in 0..ticks {
            played.push(player.handle_tick(&mut frame));
            sound.extend(frame);
        }
        (sound, played)
    }

    #[test]
    fn prompts_follow_each_other_without_a_gap() {
        let mut player = Player::default();
        player.play(once(&ONES), Barge::None);
        assert!(player.append(once(&TWOS), Barge::None));
        let (sound, played) = run(&mut player, 4);
        let expected = [&ONES[..], &TWOS, &[0; 4 * FRAME - 450]].concat();
        assert_eq!(sound, expected);
        assert_eq!(played, [Played::Sound, Played::Sound, Played::Ended, Played::Idle]);
    }

    #[test]
    fn music_goes_round_until_it_is_stopped() {
        let mut player = Player::default();
        player.play(Prompt { samples: &ONES, repeat: Repeat::Forever }, Barge::None);
        let (sound, played) = run(&mut player, 1000);
        assert!(sound.iter().all(|&s| s == 1));
        assert!(played.iter().all(|&p| p == Played::Sound));
        assert!(player.stop());
        assert!(!player.stop());
        assert_eq!(run(&mut player, 1).1, [Played::Idle]);
    }

    #[test]
    fn a_prompt_is_played_as_often_as_asked() {
        let mut player = Player::default();
        player.play(Prompt { samples: &ONES, repeat: Repeat::Times(3) }, Barge::None);
        let (sound, played) = run(&mut player, 5);
        assert_eq!(sound.iter().filter(|&&s| s == 1).count(), 600);
        assert_eq!(played.iter().filter(|&&p| p == Played::Ended).count(), 1);
    }

    #[test]
    fn a_new_prompt_replaces_what_plays_and_waits() {
        let mut player = Player::default();
        player.play(once(&ONES), Barge::None);
        player.append(once(&ONES), Barge::None);
        player.play(once(&TWOS), Barge::None);
        let (sound, _) = run(&mut player, 3);
        assert_eq!(&sound[..250], &TWOS);
        assert!(sound[250..].iter().all(|&s| s == 0));
    }

    #[test]
    fn an_empty_prompt_ends_at_once_even_if_it_should_loop() {
        let mut player = Player::default();
        player.play(Prompt { samples: &[], repeat: Repeat::Forever }, Barge::None);
        assert_eq!(run(&mut player, 2).1, [Played::Ended, Played::Idle]);
    }

    #[test]
    fn a_full_playlist_refuses() {
        let mut player = Player::default();
        player.play(once(&ONES), Barge::None);
        for _ in 0..limits::PLAYLIST {
            assert!(player.append(once(&ONES), Barge::None));
        }
        assert!(!player.append(once(&ONES), Barge::None));
    }

    #[test]
    fn a_beep_ends_and_a_busy_tone_does_not() {
        let mut player = Player::default();
        player.play_tone(Tone::Beep, Barge::None);
        let (_, played) = run(&mut player, 20);
        assert_eq!(played.iter().filter(|&&p| p == Played::Sound).count(), 10);
        assert!(!player.stop());
        player.play_tone(Tone::Busy(crate::Country::China), Barge::None);
        assert!(run(&mut player, 500).1.iter().all(|&p| p == Played::Sound));
    }
}
