// Chinese and English from one dictionary each; only the one in use is fetched.

import type en from './words/en.json';
import type { Language } from './api/types';

export type Key = keyof typeof en;
type Words = Record<Key, string>;

const KEPT = 'linebox.language';
const load: Record<Language, () => Promise<{ default: Words }>> = {
  zh: () => import('./words/zh.json'),
  en: () => import('./words/en.json'),
};

let words = $state.raw({} as Words);
let current = $state<Language>('zh');

function first(): Language {
  const kept = localStorage.getItem(KEPT);
  if (kept === 'zh' || kept === 'en') return kept;
  return navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en';
}

export const language = {
  get now(): Language {
    return current;
  },
  /** The name of the language for dates, sorting and the page itself. */
  get tag(): string {
    return current === 'zh' ? 'zh-CN' : 'en-GB';
  },
  /** Whether this browser's user has chosen one here. */
  get chosen(): boolean {
    return localStorage.getItem(KEPT) !== null;
  },
  async use(next: Language, keep = true): Promise<void> {
    words = (await load[next]()).default;
    current = next;
    document.documentElement.lang = next === 'zh' ? 'zh-CN' : 'en';
    if (keep) localStorage.setItem(KEPT, next);
  },
  start: () => language.use(first(), false),
};

export type Holes = Record<string, string | number>;

function fill(text: string, holes?: Holes): string {
  return holes ? text.replace(/\{(\w+)\}/g, (all, name) => String(holes[name] ?? all)) : text;
}

/** The words of a key, with its {holes} filled. */
export function t(key: Key, holes?: Holes): string {
  return fill(words[key] ?? key, holes);
}

/** The word for something that the box named, such as `word('agent', 'wrap_up')`; a name that the
 * dictionary does not know is shown as it came. */
export function word(family: string, name: string | null | undefined, holes?: Holes): string {
  if (name === null || name === undefined || name === '') return t('say.none');
  const known = words[`${family}.${name}` as Key];
  return known === undefined ? name.replaceAll('_', ' ') : fill(known, holes);
}

/** Whether the dictionary has a word for it. */
export function knows(family: string, name: string): boolean {
  return `${family}.${name}` in words;
}
