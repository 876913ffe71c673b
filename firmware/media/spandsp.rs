//! The seam to spandsp (C): the DTMF receiver and the packet loss concealer. The only unsafe file
//! of this crate.
//!
//! What holds for every call here:
//! - A state is allocated by its `_init(NULL)` in `new`, owned by one value, freed in `drop`, and
//!   never handed out; so a pointer is valid and nobody else uses it.
//! - `reset` passes the same state to `_init` again, which then clears it and allocates nothing.
//! - Buffers are slices of ours with their true length, at most some hundred samples.
//! - `dtmf_rx_init` fills tables of the library on first use without a lock. They are filled with
//!   the same values every time, and a process has one engine, built by one thread.
#![allow(unsafe_code, reason = "calls a C library; see the invariants above")]

use core::ptr::{self, NonNull};
use std::alloc::{self, Layout};

use spandsp_sys as sys;

/// DTMF digits out of sound (ITU-T Q.24), in blocks of 102 samples.
#[derive(Debug)]
pub struct DtmfReceiver {
    state: NonNull<sys::dtmf_rx_state_t>,
}

// SAFETY: the state is plain memory without ties to a thread.
unsafe impl Send for DtmfReceiver {}

impl DtmfReceiver {
    /// A receiver. Allocates; not for the tick.
    #[must_use]
    pub fn new() -> DtmfReceiver {
        // SAFETY: NULL asks for a new state; without callback no user data is kept.
        let state = unsafe { sys::dtmf_rx_init(ptr::null_mut(), None, ptr::null_mut()) };
        DtmfReceiver { state: or_no_memory(state) }
    }

    /// Forgets what it heard.
    pub fn reset(&mut self) {
        // SAFETY: a valid state, cleared in place.
        unsafe { sys::dtmf_rx_init(self.state.as_ptr(), None, ptr::null_mut()) };
    }

    /// Listens; the digit (ASCII) whose beginning became sure in these samples. A tick is far
    /// shorter than two digits, so one suffices.
    pub fn handle_frame(&mut self, samples: &[i16]) -> Option<u8> {
        let mut digits: [core::ffi::c_char; 4] = [0; 4];
        // SAFETY: the pointer and length are of one slice; dtmf_rx_get writes at most 3 + NUL.
        let got = unsafe {
            sys::dtmf_rx(self.state.as_ptr(), samples.as_ptr(), samples.len() as i32);
            sys::dtmf_rx_get(self.state.as_ptr(), digits.as_mut_ptr(), 3)
        };
        (got > 0).then_some(digits[0] as u8)
    }
}

impl Drop for DtmfReceiver {
    fn drop(&mut self) {
        // SAFETY: the state came from dtmf_rx_init(NULL) and is freed once.
        unsafe { sys::dtmf_rx_free(self.state.as_ptr()) };
    }
}

/// Fills holes in a voice with its own last pitch period, fading out over 50 ms (the idea of
/// ITU-T G.711 Appendix I), and smooths the return to real sound.
#[derive(Debug)]
pub struct LossConcealer {
    state: NonNull<sys::plc_state_t>,
}

// SAFETY: the state is plain memory without ties to a thread.
unsafe impl Send for LossConcealer {}

impl LossConcealer {
    /// A concealer. Allocates; not for the tick.
    #[must_use]
    pub fn new() -> LossConcealer {
        // SAFETY: NULL asks for a new state.
        let state = unsafe { sys::plc_init(ptr::null_mut()) };
        LossConcealer { state: or_no_memory(state) }
    }

    /// Forgets what it heard.
    pub fn reset(&mut self) {
        // SAFETY: a valid state, cleared in place.
        unsafe { sys::plc_init(self.state.as_ptr()) };
    }

    /// Learns from real sound; after a hole it changes the beginning to fit.
    pub fn handle_sound(&mut self, samples: &mut [i16]) {
        // SAFETY: the pointer and length are of one slice that nobody else holds.
        unsafe { sys::plc_rx(self.state.as_ptr(), samples.as_mut_ptr(), samples.len() as i32) };
    }

    /// Writes what probably would have come.
    pub fn fill(&mut self, samples: &mut [i16]) {
        // SAFETY: as above; every sample is written.
        unsafe { sys::plc_fillin(self.state.as_ptr(), samples.as_mut_ptr(), samples.len() as i32) };
    }
}

impl Drop for LossConcealer {
    fn drop(&mut self) {
        // SAFETY: the state came from plc_init(NULL) and is freed once.
        unsafe { sys::plc_free(self.state.as_ptr()) };
    }
}

impl Default for DtmfReceiver {
    fn default() -> DtmfReceiver {
        DtmfReceiver::new()
    }
}

impl Default for LossConcealer {
    fn default() -> LossConcealer {
        LossConcealer::new()
    }
}

/// The state, or the end that Rust's own collections take when the machine has no memory.
fn or_no_memory<T>(state: *mut T) -> NonNull<T> {
    NonNull::new(state).unwrap_or_else(|| alloc::handle_alloc_error(Layout::new::<[u8; 1024]>()))
}

#[cfg(test)]
pub use second_opinion::{g711_decode, g711_encode};

/// spandsp's own G.711, as a second implementation for tests.
#[cfg(test)]
mod second_opinion {
    use super::sys;
    use crate::command::Codec;

    const fn mode(codec: Codec) -> i32 {
        match codec {
            Codec::Alaw => sys::G711_ALAW as i32,
            Codec::Ulaw => sys::G711_ULAW as i32,
        }
    }

    /// One sample to a byte.
    pub fn g711_encode(codec: Codec, sample: i16) -> u8 {
        let mut byte = 0;
        // SAFETY: one sample in, one byte out; the state is freed here.
        unsafe {
            let state = sys::g711_init(core::ptr::null_mut(), mode(codec));
            sys::g711_encode(state, &mut byte, &sample, 1);
            sys::g711_free(state);
        }
        byte
    }

    /// One byte to a sample.
    pub fn g711_decode(codec: Codec, byte: u8) -> i16 {
        let mut sample = 0;
        // SAFETY: one byte in, one sample out; the state is freed here.
        unsafe {
            let state = sys::g711_init(core::ptr::null_mut(), mode(codec));
            sys::g711_decode(state, &mut sample, &byte, 1);
            sys::g711_free(state);
        }
        sample
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tone::Pair;

    fn press(digit: u8, ms: usize) -> Vec<i16> {
        let mut samples = vec![0; ms * 8];
        Pair::of_digit(digit).unwrap().fill(&mut samples);
        samples.extend(std::iter::repeat_n(0, 60 * 8));
        samples
    }

    fn heard(samples: &[i16]) -> Vec<u8> {
        let mut receiver = DtmfReceiver::new();
        samples.chunks(160).filter_map(|frame| receiver.handle_frame(frame)).collect()
    }

    #[test]
    fn our_pairs_are_heard_as_their_digits() {
        let all = b"1234567890*#ABCD";
        let sound: Vec<i16> = all.iter().flat_map(|&d| press(d, 80)).collect();
        assert_eq!(heard(&sound), all);
    }

    #[test]
    fn a_held_key_is_one_digit_and_a_repeated_one_two() {
        assert_eq!(heard(&press(b'5', 900)), b"5");
        assert_eq!(heard(&[press(b'5', 60), press(b'5', 60)].concat()), b"55");
    }

    #[test]
    fn single_tones_are_no_digits() {
        let mut sound = vec![0; 8000];
        Pair::new(697, -7, 0, 0).fill(&mut sound);
        assert!(heard(&sound).is_empty());
        Pair::new(450, -10, 0, 0).fill(&mut sound);
        assert!(heard(&sound).is_empty());
    }

    #[test]
    fn a_receiver_starts_afresh_after_reset() {
        let mut receiver = DtmfReceiver::new();
        let press = press(b'9', 100);
        for _ in 0..2 {
            let digits: Vec<u8> =
                press.chunks(160).filter_map(|f| receiver.handle_frame(f)).collect();
            assert_eq!(digits, b"9");
            receiver.handle_frame(&press[..160]);
            receiver.reset();
        }
    }
}
