// What the box has refused, in the reader's language: our words where we know the code or the field,
// and the box's own English sentence where it says more than they do.

import type { Refusal } from './api/client';
import { knows, language, t, word } from './language.svelte';

export interface Told {
  head: string;
  /** What to do. */
  next: string;
  /** The box's sentence, in English. */
  said: string;
}

/** These say that a field is wrong, and which. */
const ofField = ['wrong_field', 'wrong_settings'];
/** Fields that can be wrong in more ways than their word tells: the box's sentence names the value. */
const manySided = ['range', 'numbers', 'caller_ids', 'trunk_ids', 'hours', 'sources'];

export function inWords(refusal: Refusal): Told {
  const { code, field, message } = refusal;
  if (field !== null && ofField.includes(code) && knows('wrong', field)) {
    return { head: word('wrong', field), next: '', said: manySided.includes(field) ? message : '' };
  }
  if (knows('error', code)) {
    const holes = { n: Math.ceil((refusal.retryAfterMs ?? 0) / 1000) };
    const next = knows('error', `${code}_do`) ? word('error', `${code}_do`, holes) : '';
    return { head: word('error', code, holes), next, said: next ? '' : message };
  }
  if (language.now === 'en' && message) return { head: message, next: '', said: '' };
  return { head: t(refusal.status >= 500 ? 'error.broken' : 'error.refused'), next: '', said: message };
}
