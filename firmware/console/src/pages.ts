// Every page: its address, its word, who has it, and the file that is fetched when it is opened.

import type { Component } from 'svelte';
import type { Right } from './api/types';
import type { Key } from './language.svelte';
import { session } from './session.svelte';

interface Page {
  path: string;
  word: Key;
  /** Below this heading in the menu. */
  group: 'work' | 'set_up' | 'box' | 'account';
  allowed: () => boolean;
  load: () => Promise<{ default: Component }>;
}

const may = (...rights: Right[]) => () => rights.every((right) => session.may(right));

export const pages: readonly Page[] = [
  { path: '', word: 'page.home', group: 'work', load: () => import('./page/Home.svelte'),
    allowed: may('see_all') },
  { path: 'seat', word: 'page.seat', group: 'work', load: () => import('./page/Seat.svelte'),
    allowed: () => session.may('seat') && session.person?.agent_id != null },
  { path: 'agents', word: 'page.agents', group: 'work', load: () => import('./page/Agents.svelte'),
    allowed: may('see_all') },
  { path: 'campaigns', word: 'page.campaigns', group: 'work',
    load: () => import('./page/Campaigns.svelte'), allowed: may('see_all') },
  { path: 'calls', word: 'page.calls', group: 'work', load: () => import('./page/Calls.svelte'),
    allowed: may('see_all', 'see_records') },
  { path: 'records', word: 'page.records', group: 'work',
    load: () => import('./page/Records.svelte'), allowed: may('see_records') },
  { path: 'phones', word: 'page.phones', group: 'set_up',
    load: () => import('./page/Phones.svelte'), allowed: may('see_phones', 'see_all') },
  { path: 'trunks', word: 'page.trunks', group: 'set_up',
    load: () => import('./page/Trunks.svelte'), allowed: may('see_trunks') },
  { path: 'spans', word: 'page.spans', group: 'set_up',
    load: () => import('./page/Spans.svelte'), allowed: may('see_spans') },
  { path: 'numbers', word: 'page.numbers', group: 'set_up',
    load: () => import('./page/Numbers.svelte'), allowed: may('see_numbers', 'see_trunks') },
  { path: 'dnc', word: 'page.dnc', group: 'set_up', load: () => import('./page/Dnc.svelte'),
    allowed: may('see_dnc') },
  { path: 'persons', word: 'page.persons', group: 'set_up',
    load: () => import('./page/Persons.svelte'), allowed: may('edit_persons') },
  { path: 'destinations', word: 'page.destinations', group: 'box',
    load: () => import('./page/Destinations.svelte'), allowed: may('see_destinations') },
  { path: 'tenants', word: 'page.tenants', group: 'box', load: () => import('./page/Tenants.svelte'),
    allowed: may('edit_tenants', 'see_trunks') },
  { path: 'tokens', word: 'page.tokens', group: 'box', load: () => import('./page/Tokens.svelte'),
    allowed: may('edit_tokens') },
  { path: 'audit', word: 'page.audit', group: 'box', load: () => import('./page/Audit.svelte'),
    allowed: may('audit') },
  { path: 'password', word: 'page.password', group: 'account',
    load: () => import('./page/Password.svelte'), allowed: () => true },
];
