// The API's objects as the pages use them: snake_case, integer ids, UTC milliseconds, null = not yet.
// `npm run types` writes openapi.d.ts from a running box, to compare with.

export type Stamp = number;

/** A page of a list; `next` is handed back as `after`. */
export interface List<T> {
  items: T[];
  next: string | null;
}

export type Role = 'operator' | 'administrator' | 'leader' | 'quality' | 'agent';
export type Language = 'zh' | 'en';

/** What somebody may do: the words of the box's table of rights that the pages ask for. */
export type Right =
  | 'see_phones'
  | 'edit_phones'
  | 'see_trunks'
  | 'edit_trunks'
  | 'see_spans'
  | 'edit_spans'
  | 'see_numbers'
  | 'edit_numbers'
  | 'edit_agents'
  | 'seat'
  | 'lead_agents'
  | 'edit_campaigns'
  | 'run_campaigns'
  | 'see_leads'
  | 'upload_leads'
  | 'see_records'
  | 'see_all'
  | 'see_dnc'
  | 'edit_dnc'
  | 'see_destinations'
  | 'audit'
  | 'see_alarms'
  | 'edit_persons'
  | 'edit_tokens'
  | 'edit_tenants';

/** Whoever is signed in. */
export interface Me {
  id: number | null;
  login: string;
  name: string;
  role: Role | 'program';
  tenant: { id: number; name: string };
  must_change_password: boolean;
  agent_id: number | null;
  language: Language;
  rights: string[];
}

export interface Person {
  id: number;
  login: string;
  name: string;
  role: Role;
  must_change_password: boolean;
  locked_until: Stamp | null;
  agent_id: number | null;
}

export interface Alarm {
  id: string;
  kind: string;
  severity?: 'warning' | 'critical';
  text: string;
  since: Stamp | null;
  /** False only in a push that tells its end. */
  up?: boolean;
}

export interface Process {
  name: string;
  state: string;
  pid: number | null;
  restarts: number;
  since: Stamp;
}

export interface Health {
  status: 'ok' | 'degraded' | 'down';
  version: string;
  box: string;
  started: Stamp;
  simulated: boolean;
  clock_sane: boolean;
  processes: Process[];
  link: 'up' | 'down';
  switch?: Record<string, unknown> | null;
  database: { ok: boolean; writer_queue: number };
  alarms: Alarm[];
}

export interface Box {
  name: string;
  language: Language;
  country: string;
  timezone: string;
  simulated: boolean;
  ports: { listen?: string; sip: number; console: number; rtp: string };
  must_sign?: unknown[];
}

export interface PhoneContact {
  address: string;
  agent: string | null;
}

export interface Phone {
  id: number;
  user: string;
  label: string;
  /** Only in the answer that created it. */
  secret?: string;
  registered: boolean;
  contacts: PhoneContact[];
  in_use: boolean;
  simulated: boolean;
}

/** Channels of one span. */
export interface Group {
  span_id: number;
  slots: number[];
}

export type Hunt = 'ascending' | 'descending' | 'least_used';

export interface Trunk {
  id: number;
  name: string;
  kind: 'sip' | 'channels';
  groups: Group[];
  hunt: Hunt;
  address: string;
  sources: string[];
  register: boolean;
  user: string;
  has_password: boolean;
  numbers: string[];
  channels_max: number;
  state: 'trying' | 'up' | 'down';
  state_text: string;
  in_use: boolean;
  calls: number;
  simulated: boolean;
}

export type ChannelState = 'idle' | 'ringing' | 'talking' | 'restarting' | 'blocked' | 'out_of_service';

export interface LoopTest {
  result: 'closed' | 'open' | 'not_now' | 'no_answer';
  errors_per_mille: number | null;
  delay_ms: number | null;
  at: Stamp;
}

export interface Channel {
  slot: number;
  state: ChannelState;
  trunk_id: number | null;
  trunk: string | null;
  /** Null: none, or somebody else's. */
  call: { id: number; direction: 'in' | 'out'; called: string; caller: string; since: Stamp } | null;
  tested: LoopTest | null;
}

/** An E1 span. */
export interface Span {
  id: number;
  name: string;
  configured: boolean;
  role: 'user' | 'network';
  overlap: boolean;
  did_digits: number;
  blocked: number[];
  device: string;
  state: 'up' | 'establishing' | 'down' | 'unused' | 'unknown';
  alarms: string[];
  d_channel: 'up' | 'establishing' | 'down';
  since: Stamp | null;
  next_step: string | null;
  channels: Channel[];
  counters: Record<string, number>;
  simulated: boolean;
}

export interface SpanHistory {
  id: number;
  alarm: string;
  severity: 'warning' | 'critical';
  text: string;
  raised: Stamp;
  cleared: Stamp | null;
}

export interface SpanTrace {
  at: Stamp;
  lines: { at: Stamp; sent: boolean; text: string }[];
}

/** Numbers that follow each other and are alike in everything else. */
export interface NumberRange {
  range: string;
  first: string;
  last: string;
  count: number;
  trunk_id: number;
  trunk: string;
  tenant_id: number | null;
  tenant: string | null;
  route: { to: 'announcement' | 'phone'; phone_id: number | null; phone: string | null };
  note: string;
}

export type AgentState =
  | 'signed_out'
  | 'ready'
  | 'reserved'
  | 'ringing'
  | 'talking'
  | 'holding'
  | 'wrap_up'
  | 'paused';

export interface AgentCall {
  attempt_id: number;
  campaign_id: number;
  lead_id: number;
  number: string;
  name: string;
  /** The other columns of the list. */
  fields: Record<string, unknown> | null;
  since: Stamp;
}

export interface Agent {
  id: number;
  number: string;
  name: string;
  phone_id: number | null;
  person_id: number | null;
  language: Language;
  seat: 'nailed_up' | 'ring';
  state: AgentState;
  state_since: Stamp | null;
  pause_reason: string | null;
  phone_registered: boolean;
  leg_up: boolean;
  campaign_ids: number[];
  call: AgentCall | null;
  simulated: boolean;
}

export type Category =
  | 'contact'
  | 'sale'
  | 'refusal'
  | 'do_not_call'
  | 'callback'
  | 'unworkable'
  | string;

export interface Disposition {
  code: string;
  digit: number;
  label_zh: string;
  label_en: string;
  category: Category;
}

export interface HoursWindow {
  /** 1 = Monday to 7 = Sunday. */
  days: number[];
  from: string;
  to: string;
}

export interface Hours {
  timezone: string;
  windows: HoursWindow[];
  holidays: string[];
}

export interface WhyNot {
  rule: string;
  text: string;
  clears_at: Stamp | null;
}

export interface Progress {
  leads: number;
  new: number;
  due_later: number;
  dialing: number;
  finished: number;
  reached: number;
  attempts: number;
  answered: number;
  no_answer: number;
  busy: number;
  failed: number;
  abandoned: number;
}

export interface Campaign {
  id: number;
  name: string;
  mode: string;
  state: 'draft' | 'running' | 'paused' | 'finished';
  state_since: Stamp;
  trunk_ids: number[];
  caller_id: string | null;
  caller_ids: string[];
  caller_rule: 'in_turn' | 'least_used';
  agent_ids: number[];
  ring_timeout_ms: number;
  attempts_max: number;
  interval_ms: number;
  wrap_up_ms: number;
  record: boolean;
  hours: Hours;
  dispositions: Disposition[];
  progress: Progress;
  why_not: WhyNot[];
  simulated: boolean;
}

export type Verdict = 'accepted' | 'repaired' | 'duplicate' | 'do_not_call' | 'refused';

export interface RowDetail {
  row: number;
  verdict: Verdict;
  field: string | null;
  /** Why, a word, and what it is about. */
  code: string;
  params: Record<string, unknown>;
  /** The same in English. */
  reason: string;
  raw: string | null;
}

/** What became of a file. A file of numbers that must not be called is no batch, and repairs nothing. */
export interface Report {
  batch_id?: number;
  rows: number;
  accepted: number;
  repaired?: number;
  duplicate: number;
  dnc?: number;
  refused: number;
  details: RowDetail[];
  details_total?: number;
}

/** A list that was uploaded earlier. */
export interface Batch extends Required<Omit<Report, 'batch_id' | 'details' | 'details_total'>> {
  id: number;
  file_name: string;
  started: Stamp;
  finished: Stamp | null;
}

export interface CallTimes {
  created: Stamp | null;
  dialled: Stamp | null;
  ringing: Stamp | null;
  answered: Stamp | null;
  joined: Stamp | null;
  ended: Stamp | null;
}

export interface Attempt extends CallTimes {
  id: number;
  campaign_id: number | null;
  lead_id: number | null;
  number: string;
  name: string | null;
  claimed: Stamp | null;
  cause: string | null;
  outcome: string | null;
  ended_by: string | null;
  trunk_id: number | null;
  caller_id: string | null;
  agent_id: number | null;
  recording_id: number | null;
  /** As the agent read it. */
  disposition: string | null;
  disposition_category: Category | null;
  note: string | null;
}

export interface Call extends CallTimes {
  id: number;
  kind: 'campaign' | 'outbound' | 'inbound' | 'internal' | 'seat' | null;
  attempt_id: number | null;
  direction: 'in' | 'out';
  line: string;
  trunk_id: number | null;
  phone_id: number | null;
  channel: { span: number; slot: number } | null;
  called: string;
  caller: string;
  /** Of a call that came in: the name and the number wanted first, as the network sent them. */
  display: string | null;
  redirected_from: string | null;
  phase: string;
  cause: string | null;
  ended_by: string | null;
  agent_id: number | null;
  agent_name: string | null;
  campaign_id: number | null;
  recording_id: number | null;
}

export interface Lead {
  id: number;
  batch_id: number | null;
  /** Null: erased. */
  number: string | null;
  raw: string;
  name: string;
  state: 'new' | 'due' | 'claimed' | 'dialing' | 'finished';
  /** Of `due`: when; of the others: since when. */
  state_at: Stamp | null;
  reason: string | null;
  dialled: number;
  last_outcome: string | null;
}

/** An enterprise on the box. */
export interface Tenant {
  id: number;
  name: string;
  own: boolean;
}

/** Leave of a tenant to dial on a trunk. */
export interface Grant {
  tenant_id: number;
  tenant: string;
  calls_max: number;
  caller_id: string | null;
}

/** What a program signs in with. */
export interface Token {
  id: number;
  name: string;
  rights: string[];
  created: Stamp;
  expires: Stamp | null;
  revoked: Stamp | null;
  /** Only in the answer that made it. */
  token?: string;
}

export interface DncEntry {
  id: number;
  number: string;
  reason: string;
  campaign_id: number | null;
  added: Stamp;
}

export interface Destinations {
  premium: boolean;
  international: string[];
}

/** One event of the chain. */
export interface Event {
  seq: number;
  at: Stamp;
  /** `box`, `p1` a person, `a1` an agent by phone, `k1` a token. */
  actor: string;
  kind: string;
  row: number;
  payload: unknown;
  personal: string | null;
}

export interface Checked {
  ok: boolean;
  events: number;
  erased: number;
  broken: string | null;
}

/** One message of the event stream. */
export type Push =
  | { topic: 'hello'; at: Stamp }
  | { topic: 'lost' }
  | { topic: 'agent'; agent: Agent; removed?: boolean }
  | { topic: 'phone'; phone: Phone; removed?: boolean }
  | { topic: 'trunk'; trunk: Trunk; removed?: boolean }
  | { topic: 'span'; span: Span; removed?: boolean }
  | { topic: 'campaign'; campaign: Campaign }
  | { topic: 'call'; call: Call }
  | { topic: 'attempt'; attempt: Attempt }
  | { topic: 'alarm'; alarm: Alarm }
  | { topic: 'health'; health: Health };
