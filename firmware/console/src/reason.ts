// Why a row of a list did not go in as it was written. The box says repairs as words and refusals as
// English sentences; both are given in the reader's language where they are known.

import { knows, word } from './language.svelte';

/** The beginnings of the box's sentences, and the dictionary's word for each. */
const sentences: [string, string][] = [
  ['no number is written', 'empty'],
  ['longer than any number', 'too_long'],
  ['letters or signs', 'letters'],
  ['a spreadsheet has rounded', 'rounded'],
  ['too few digits', 'too_short'],
  ['too many digits', 'too_many_digits'],
  ['no such number', 'not_in_plan'],
  ['emergency numbers', 'emergency'],
  ['premium numbers', 'premium'],
  ['numbers abroad', 'international'],
  ['short codes', 'short'],
  ['the text is not UTF-8', 'encoding'],
  ['already in this campaign', 'in_campaign'],
  ['longer than', 'field_too_long'],
  ['beyond row', 'too_many_rows'],
];

export function reason(text: string | null): string {
  if (!text) return '';
  const sentence = sentences.find(([start]) => text.startsWith(start));
  if (sentence) return word('reason', sentence[1]);
  const words = text.split(', ');
  return words.every((one) => knows('reason', one))
    ? words.map((one) => word('reason', one)).join(', ')
    : text;
}
