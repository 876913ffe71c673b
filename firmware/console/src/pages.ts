// Every page: its address, its word, who has it, and the file that is fetched when it is opened.

import type { Component } from 'svelte';
import type { Role } from './api/types';
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

const any = (...roles: Role[]) => () => session.is(...roles);
const seated = () => session.person?.agent_id != null;

export const pages: readonly Page[] = [
  { path: '', word: 'page.home', group: 'work', load: () => import('./page/Home.svelte'),
    allowed: any('operator', 'administrator', 'leader', 'quality') },
  { path: 'seat', word: 'page.seat', group: 'work', load: () => import('./page/Seat.svelte'),
    allowed: seated },
  { path: 'agents', word: 'page.agents', group: 'work', load: () => import('./page/Agents.svelte'),
    allowed: any('administrator', 'leader', 'quality') },
  { path: 'campaigns', word: 'page.campaigns', group: 'work',
    load: () => import('./page/Campaigns.svelte'), allowed: any('administrator', 'leader') },
  { path: 'calls', word: 'page.calls', group: 'work', load: () => import('./page/Calls.svelte'),
    allowed: any('administrator', 'leader', 'quality') },
  { path: 'records', word: 'page.records', group: 'work',
    load: () => import('./page/Records.svelte'),
    allowed: any('administrator', 'leader', 'quality', 'agent') },
  { path: 'phones', word: 'page.phones', group: 'set_up',
    load: () => import('./page/Phones.svelte'), allowed: any('operator', 'administrator') },
  { path: 'trunks', word: 'page.trunks', group: 'set_up',
    load: () => import('./page/Trunks.svelte'), allowed: any('operator', 'administrator') },
  { path: 'dnc', word: 'page.dnc', group: 'set_up', load: () => import('./page/Dnc.svelte'),
    allowed: any('administrator', 'leader') },
  { path: 'persons', word: 'page.persons', group: 'set_up',
    load: () => import('./page/Persons.svelte'), allowed: any('administrator') },
  { path: 'destinations', word: 'page.destinations', group: 'box',
    load: () => import('./page/Destinations.svelte'), allowed: any('administrator') },
  { path: 'audit', word: 'page.audit', group: 'box', load: () => import('./page/Audit.svelte'),
    allowed: any('operator', 'administrator') },
  { path: 'password', word: 'page.password', group: 'account',
    load: () => import('./page/Password.svelte'), allowed: () => true },
];
