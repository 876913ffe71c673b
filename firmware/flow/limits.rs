//! Every bound of the call flows, with its unit and its reason.

/// How often a caller may try agent number and PIN, or a disposition, in one call.
pub const TRIES_MAX: u8 = 3;
/// Digits of an agent number.
pub const AGENT_DIGITS_MAX: u8 = 10;
/// Digits of a PIN.
pub const PIN_DIGITS_MAX: u8 = 12;
/// How long to wait for the first digit after the prompt, in milliseconds.
pub const FIRST_DIGIT_MS: u64 = 8_000;
/// How long to wait between two digits, in milliseconds.
pub const NEXT_DIGIT_MS: u64 = 4_000;
/// How long one prompt may take at most, in milliseconds. The longest is a few seconds; past this
/// its end was lost.
pub const PROMPT_MS: u64 = 15_000;
/// How long one answer may take at most, prompt and digits together, in milliseconds: past this
/// the collector was lost.
pub const ANSWER_MS: u64 =
    PROMPT_MS + FIRST_DIGIT_MS + PIN_DIGITS_MAX as u64 * NEXT_DIGIT_MS + 1_000;
/// How long the box may take to check a PIN or to follow an order, in milliseconds. A person on the
/// phone does not wait longer.
pub const ORDER_MS: u64 = 5_000;
/// Effects waiting in one machine. Each input adds at most four.
pub const OUTPUTS_MAX: usize = 8;
