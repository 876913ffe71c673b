// What is so now: lists fetched once, then kept true by the event stream.
//
//   connect ─► hello ─► GET lists ─► apply what was pushed meanwhile ─► apply pushes
//      ▲                    ▲                                                │
//      │ back-off           └──────────────── "lost", or a minute ───────────┤
//      └───────────────────────────────────── closed ────────────────────────┘
//
// Pushes are whole objects, so applying one twice does no harm. A push that overtakes the lists may
// be older than what they say; therefore the lists are fetched once more when that has happened.

import { SvelteMap } from 'svelte/reactivity';
import { all, get } from './api/client';
import type { Agent, Alarm, Attempt, Box, Call, Campaign, Health, Phone, Push, Span, Trunk } from './api/types';
import { clock } from './clock.svelte';
import { session } from './session.svelte';

const RETRY_FIRST_MS = 500;
const RETRY_LAST_MS = 10_000;
/** Lists are fetched anew so often, whatever the stream says. */
const REFRESH_MS = 30_000;
/** While calls are shown, so often: a call that is over must not stay on the page. */
const CALLS_MS = 5000;
const SECOND_LOOK_MS = 1500;
const HEALTH_MS = 15_000;
/** Pushes that come together are drawn together. */
const GATHER_MS = 40;

type Link = 'connecting' | 'open' | 'broken';

const agents = new SvelteMap<number, Agent>();
const phones = new SvelteMap<number, Phone>();
const trunks = new SvelteMap<number, Trunk>();
const spans = new SvelteMap<number, Span>();
const campaigns = new SvelteMap<number, Campaign>();
const calls = new SvelteMap<number, Call>();

let link = $state<Link>('connecting');
let loaded = $state(false);
let alarms = $state.raw<Alarm[]>([]);
let health = $state.raw<Health | null>(null);
let box = $state.raw<Box | null>(null);

let socket: WebSocket | null = null;
let wanted = false;
let failures = 0;
let waiting: Push[] | null = null;
let again = false;
let gathered: Push[] = [];
const timers: Record<string, ReturnType<typeof setTimeout>> = {};
const attemptWatchers = new Set<(attempt: Attempt) => void>();
const callWatchers = new Set<(call: Call) => void>();
const reloadWatchers = new Set<() => void>();

function later(name: string, ms: number, act: () => void): void {
  clearTimeout(timers[name]);
  timers[name] = setTimeout(act, ms);
}

function connect(): void {
  const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
  const mine = new WebSocket(`${scheme}://${location.host}/api/v1/events`);
  socket = mine;
  mine.onmessage = (message) => {
    if (socket === mine) receive(JSON.parse(String(message.data)) as Push);
  };
  mine.onclose = () => {
    if (socket !== mine) return;
    socket = null;
    if (!wanted) return;
    failures += 1;
    link = 'broken';
    const wait = Math.min(RETRY_FIRST_MS * 2 ** (failures - 1), RETRY_LAST_MS);
    // Many pages must not return to a restarted box in the same instant.
    later('connect', wait * (0.75 + Math.random() / 2), connect);
    void session.ask();
  };
}

function receive(push: Push): void {
  switch (push.topic) {
    case 'hello':
      failures = 0;
      link = 'open';
      clock.set(push.at);
      void reload();
      break;
    case 'lost':
      void reload();
      break;
    default:
      if (waiting) waiting.push(push);
      else if (gathered.push(push) === 1) setTimeout(draw, GATHER_MS);
  }
}

function draw(): void {
  const pushes = gathered;
  gathered = [];
  for (const push of pushes) apply(push);
}

function put<T extends { id: number }>(into: SvelteMap<number, T>, item: T, removed = false): void {
  if (removed) into.delete(item.id);
  else into.set(item.id, item);
}

function apply(push: Push): void {
  switch (push.topic) {
    case 'agent':
      put(agents, push.agent, push.removed);
      break;
    case 'phone':
      put(phones, push.phone, push.removed);
      break;
    case 'trunk':
      put(trunks, push.trunk, push.removed);
      break;
    case 'span':
      put(spans, push.span, push.removed);
      break;
    case 'campaign':
      put(campaigns, push.campaign);
      break;
    case 'call':
      put(calls, push.call, push.call.ended !== null);
      for (const watch of callWatchers) watch(push.call);
      break;
    case 'attempt':
      for (const watch of attemptWatchers) watch(push.attempt);
      break;
    case 'alarm': {
      const others = alarms.filter((alarm) => alarm.id !== push.alarm.id);
      alarms = push.alarm.up === false ? others : [push.alarm, ...others];
      break;
    }
    case 'health':
      health = push.health;
      break;
    case 'hello':
    case 'lost':
      break;
  }
}

async function list<T extends { id: number }>(into: SvelteMap<number, T>, path: string) {
  const items = await all<T>(path);
  const ids = new Set(items.map((item) => item.id));
  for (const id of [...into.keys()]) if (!ids.has(id)) into.delete(id);
  for (const item of items) into.set(item.id, item);
}

async function reload(): Promise<void> {
  if (waiting) {
    again = true;
    return;
  }
  waiting = [];
  try {
    await Promise.all([
      list(agents, '/agents'),
      list(campaigns, '/campaigns'),
      ...(session.may('see_records') ? [list(calls, '/calls?live=true')] : []),
      ...(session.may('see_phones') ? [list(phones, '/phones')] : []),
      ...(session.may('see_trunks') ? [list(trunks, '/trunks')] : []),
      ...(session.may('see_spans') ? [list(spans, '/spans')] : []),
      look(),
      get<Box>('/box').then((answer) => (box = answer), () => {}),
    ]);
    loaded = true;
    for (const watch of reloadWatchers) watch();
    if (session.may('see_records')) later('calls', CALLS_MS, () => void lookAtCalls());
    later('reload', waiting.length ? SECOND_LOOK_MS : REFRESH_MS, () => void reload());
  } catch {
    // The box went away meanwhile: the stream's end starts all of this again.
    later('reload', RETRY_LAST_MS, () => void reload());
  } finally {
    const pushes = waiting;
    waiting = null;
    for (const push of pushes) apply(push);
    // Somebody asked while the lists were on their way: what came may be from before that.
    if (again) {
      again = false;
      void reload();
    }
  }
}

async function lookAtCalls(): Promise<void> {
  try {
    if (calls.size && !waiting) await list(calls, '/calls?live=true');
  } catch {
    // The next look, or the stream's end, says more.
  }
  if (wanted) later('calls', CALLS_MS, () => void lookAtCalls());
}

async function look(): Promise<void> {
  try {
    health = await get<Health>('/health');
    alarms = session.may('see_alarms') ? await all<Alarm>('/alarms') : health.alarms;
  } catch {
    health = null;
  }
  if (wanted) later('health', HEALTH_MS, () => void look());
}

function watch<T>(watchers: Set<T>, one: T): () => void {
  watchers.add(one);
  return () => void watchers.delete(one);
}

/** Legs that hold a seat for the shift are no calls to look at. */
const talks = $derived.by(() => {
  const seats = new Set<number | null>();
  for (const agent of agents.values()) if (agent.leg_up) seats.add(agent.phone_id);
  return [...calls.values()].filter((call) =>
    call.kind !== 'seat' && (call.phone_id === null || call.attempt_id !== null || !seats.has(call.phone_id)));
});

export const live = {
  agents,
  phones,
  trunks,
  spans,
  campaigns,
  /** The calls that live now, without the seats' own legs. */
  get talks(): Call[] {
    return talks;
  },
  get alarms(): Alarm[] {
    return alarms;
  },
  get health(): Health | null {
    return health;
  },
  get box(): Box | null {
    return box;
  },
  get link(): Link {
    return link;
  },
  get loaded(): boolean {
    return loaded;
  },
  get simulated(): boolean {
    return box?.simulated ?? health?.simulated ?? false;
  },

  start(): void {
    if (wanted) return;
    wanted = true;
    connect();
  },
  stop(): void {
    wanted = false;
    loaded = false;
    link = 'connecting';
    socket?.close();
    socket = null;
    for (const timer of Object.values(timers)) clearTimeout(timer);
    for (const map of [agents, phones, trunks, spans, campaigns, calls]) map.clear();
  },
  /** After a change made here: the answer of the box, at once. */
  reload,
  /** Each watcher answers with a function that ends the watch. */
  onAttempt: (one: (attempt: Attempt) => void) => watch(attemptWatchers, one),
  onCall: (one: (call: Call) => void) => watch(callWatchers, one),
  onReload: (one: () => void) => watch(reloadWatchers, one),
};
