// A record keeps the disposition's label as it was; those the box came with are known in both
// languages.

import type { Attempt, Campaign, Disposition } from './api/types';
import { language } from './language.svelte';
import { live } from './live.svelte';

/** Which of a campaign's dispositions has this label. */
export const labelled = (campaign: Campaign | null | undefined, label: string | null): Disposition | undefined =>
  campaign?.dispositions.find((one) => one.label_zh === label || one.label_en === label);

export const label = (one: Disposition): string => (language.now === 'zh' ? one.label_zh : one.label_en);

/** What the agent said of an attempt, in the reader's language where it is known. */
export function said(attempt: Attempt): string | null {
  const known = labelled(live.campaigns.get(attempt.campaign_id ?? 0), attempt.disposition);
  return known ? label(known) : attempt.disposition;
}
