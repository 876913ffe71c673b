// Why a row of a list did not go in as it was written: the box's word in the reader's language.

import type { RowDetail } from './api/types';
import { knows, t, word } from './language.svelte';

export function reason({ code, params, reason: said }: RowDetail): string {
  const { how, ...holes } = params;
  if (Array.isArray(how)) return how.map((one) => word('reason', String(one))).join(t('say.and'));
  return knows('reason', code) ? word('reason', code, holes as Record<string, string | number>) : said;
}
