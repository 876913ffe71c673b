// Times, spans and numbers as people read them. Languages by `language.tag`; times in the
// browser's zone.

import type { Stamp } from './api/types';
import { language, t } from './language.svelte';

const two = (n: number) => String(n).padStart(2, '0');

/** `4:07`, `1:02:09`. */
export function span(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  const [h, m] = [Math.floor(s / 3600), Math.floor(s / 60) % 60];
  return h ? `${h}:${two(m)}:${two(s % 60)}` : `${m}:${two(s % 60)}`;
}

/** `0.4 s`, `12 s`, `2:05`: a stretch inside a call. */
export function short(ms: number): string {
  if (ms < 10_000) return t('say.seconds', { n: (ms / 1000).toFixed(1) });
  return ms < 60_000 ? t('say.seconds', { n: Math.round(ms / 1000) }) : span(ms);
}

export function count(n: number): string {
  return n.toLocaleString(language.tag);
}

export function percent(part: number, whole: number): string {
  if (whole <= 0) return t('say.none');
  return (part / whole).toLocaleString(language.tag, { style: 'percent', minimumFractionDigits: 1, maximumFractionDigits: 1 });
}

/** `14:03:22`, and the day before it unless it is today. */
export function time(at: Stamp | null | undefined): string {
  if (at === null || at === undefined) return t('say.none');
  const date = new Date(at);
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return date.toDateString() === new Date().toDateString() ? clock : `${day(at)} ${clock}`;
}

/** `14:03:22.480`: inside one call. */
export function exact(at: Stamp | null): string {
  if (at === null) return t('say.none');
  return `${time(at)}.${String(at % 1000).padStart(3, '0')}`;
}

/** `2026-11-20`, by the browser's zone. */
export function day(at: Stamp): string {
  const date = new Date(at);
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** `in 12 min` for what comes, `3 h ago` for what was. */
export function away(at: Stamp, now: Stamp): string {
  const s = Math.round((at - now) / 1000);
  const form = new Intl.RelativeTimeFormat(language.tag, { numeric: 'always', style: 'short' });
  const size = Math.abs(s);
  if (size < 60) return form.format(s, 'second');
  if (size < 3600) return form.format(Math.round(s / 60), 'minute');
  if (size < 86_400) return form.format(Math.round(s / 3600), 'hour');
  return form.format(Math.round(s / 86_400), 'day');
}

/** `12.4 kB`. */
export function bytes(n: number): string {
  if (n < 1000) return `${n} B`;
  return n < 1e6 ? `${(n / 1000).toFixed(1)} kB` : `${(n / 1e6).toFixed(1)} MB`;
}

const GROUPED = [
  /^(\+?86)?(1[3-9]\d)(\d{4})(\d{4})$/,
  /^(\+86)(10|2\d)(\d{4})(\d{4})$/,
  /^(\+86)([3-9]\d\d)(\d{3,4})(\d{4})$/,
];

/** A number in groups that an eye can hold: `+86 138 0000 1234`, `+86 10 6200 0000`. What is not
 * Chinese stays. */
export function phone(number: string | null | undefined): string {
  if (!number) return t('say.none');
  const groups = GROUPED.map((form) => form.exec(number)).find(Boolean);
  return groups ? groups.slice(1).filter(Boolean).join(' ') : number;
}

/** `Asia/Shanghai`: by which clock the times on the page are written. */
export const zone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone;
