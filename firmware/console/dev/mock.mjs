// For local development only: an invented box behind the pages, when no real one runs.
// Not shipped, not used by any test. `node dev/mock.mjs`, then `npm run dev` (or open :8080, which
// serves dist/). Everybody signs in with any password; the name chooses the role.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname } from 'node:path';

const port = Number(process.env.PORT ?? 8080);
const dist = new URL('../dist', import.meta.url).pathname;
const started = Date.now();
const ago = (s) => Date.now() - s * 1000;
let seed = 7;
const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;

const names = ['王小明', '李静', '张伟', '刘洋', 'Chen Jie', '赵敏', '黄强', '周丽', '吴磊', '徐芳'];
const kinds = ['talking', 'ready', 'wrap_up', 'paused', 'signed_out', 'talking', 'ringing', 'ready'];
const phones = kinds.map((_, i) => ({ id: i + 1, user: String(8001 + i), label: `${i + 1} 号座位`,
  registered: i !== 4, in_use: i === 0, simulated: i < 3, contacts: i === 4 ? [] :
    [{ address: `127.0.0.1:${41000 + i}`, agent: 'town/0.1', expires: Date.now() + 300_000 }] }));
const trunks = [
  { id: 1, name: 'town', kind: 'sip', groups: [], hunt: 'descending', address: '127.0.0.1:5070', sources: [], register: false, user: null,
    numbers: ['+861062000000'], channels_max: 30, state: 'up', state_text: 'OPTIONS 200, 4 ms', in_use: true, calls: 3, simulated: true, has_password: true },
  { id: 2, name: '备用中继', kind: 'sip', groups: [], hunt: 'descending', address: 'sip.example.net', sources: ['192.0.2.7'], register: true,
    user: '0755', numbers: ['+8675526000000'], channels_max: 10, state: 'down',
    state_text: '401 Unauthorized: check account and password', in_use: false, calls: 0, simulated: false, has_password: true },
  { id: 3, name: 'town-e1', kind: 'channels', groups: [{ span_id: 1, slots: [...Array(31).keys()].map((n) => n + 1).filter((n) => n !== 16) }],
    hunt: 'descending', address: '', sources: [], register: false, user: '', numbers: [], channels_max: 30, state: 'up', state_text: '',
    in_use: true, calls: 9, simulated: true, has_password: false },
];
const channelState = (slot) => (slot > 24 ? 'talking' : slot > 21 ? 'ringing' : slot === 3 ? 'blocked' : slot === 4 ? 'out_of_service' : slot === 9 ? 'restarting' : 'idle');
const span = (id, state, next_step, alarms, name) => ({ id, name, configured: state !== 'unused', role: 'user', overlap: false, did_digits: 0,
  blocked: [3], device: `run/span${id}`, state, alarms, d_channel: state === 'up' ? 'up' : 'down', since: ago(4200), next_step, simulated: id === 1,
  channels: trunks[2].groups[0].slots.map((slot) => ({ slot, state: state === 'up' ? channelState(slot) : 'out_of_service', trunk_id: id === 1 ? 3 : null,
    trunk: id === 1 ? 'town-e1' : null, tested: slot === 1 ? { result: 'closed', errors_per_mille: 0, delay_ms: 20, at: ago(60) } : null,
    call: state === 'up' && slot > 21 ? { id: slot, direction: 'out', called: `+86138000012${slot}`, caller: '+861062010000', since: ago(slot) } : null })),
  counters: { slips: id === 1 ? 0 : 14, bipolar_violations: 0, crc4_errors: id === 1 ? 0 : 3, far_crc4_errors: 0, frame_errors: 0, missed_blocks: 0,
    frames_in: 20412, frames_out: 20398, retransmitted: id === 1 ? 2 : 0, bad_frames: 0, calls_in: 41, calls_out: 1873 } });
const spans = [span(1, 'up', null, [], 'e1'), span(2, 'down', 'cable', ['red'], '电信 PRI'), span(3, 'unused', 'settings', [], 'span3')];
const spanHistory = [['red', 600, null], ['d_channel', 4000, 3600], ['yellow', 30_000, 29_000], ['loopback', 70_000, 69_990]].map(([alarm, raised, cleared], i) => ({
  id: 9 - i, alarm, severity: alarm === 'loopback' ? 'warning' : 'critical', text: '', raised: ago(raised), cleared: cleared && ago(cleared) }));
const traceLines = Array.from({ length: 60 }, (_, i) => ({ at: ago(60 - i), sent: i % 2 === 0,
  text: ['SETUP cr 17 · bearer speech A-law · channel 31 · calling …0000 · called …1234', 'CALL PROCEEDING cr 17 · channel 31', 'RR n(r)=12', 'CONNECT cr 17'][i % 4] }));
const numbers = [['+861062010000-0049', 50, null], ['+861062010050-0051', 2, 1], ['+861062010052-0099', 48, null]].map(([range, count, phone_id]) => ({
  range, first: range.slice(0, 14), last: range, count, trunk_id: 3, trunk: 'town-e1', tenant_id: 1, tenant: 'Office', note: phone_id ? '前台' : '',
  route: { to: phone_id ? 'phone' : 'announcement', phone_id, phone: phone_id && '8001' } }));
const agents = kinds.map((state, i) => ({ id: i + 1, number: String(801 + i), name: names[i], phone_id: i + 1,
  person_id: null, simulated: true, language: 'zh', seat: 'nailed_up', state, state_since: ago(20 + i * 47),
  pause_reason: state === 'paused' ? 'meal' : null, phone_registered: i !== 4, leg_up: i !== 4, campaign_ids: [1],
  call: ['talking', 'wrap_up', 'ringing'].includes(state)
    ? { attempt_id: 1000 - i, campaign_id: 1, lead_id: 300 + i, fields: { 备注: '老客户', 城市: '上海' }, number: `+86138000012${34 + i}`, name: names[9 - i], since: ago(33) } : null }));
const dispositions = [
  { code: '1', digit: 1, label_zh: '有意向', label_en: 'Interested', category: 'contact' },
  { code: '2', digit: 2, label_zh: '成交', label_en: 'Sold', category: 'sale' },
  { code: '3', digit: 3, label_zh: '拒绝', label_en: 'Not interested', category: 'refusal' },
  { code: '4', digit: 4, label_zh: '稍后回拨', label_en: 'Call back later', category: 'callback' },
  { code: '5', digit: 5, label_zh: '不再呼叫', label_en: 'Do not call again', category: 'do_not_call' },
];
const campaign = (id, name, state, progress, why) => ({ id, name, mode: 'precise', state, state_since: started, simulated: id === 1, trunk_ids: state === 'draft' ? [] : [1],
  caller_id: '+861062000000', caller_ids: ['+861062000000'], caller_rule: 'in_turn', agent_ids: state === 'draft' ? [] : agents.map((a) => a.id), ring_timeout_ms: 30000,
  attempts_max: 3, interval_ms: 600000, wrap_up_ms: 30000, record: true,
  hours: { timezone: 'Asia/Shanghai', windows: [{ days: [1, 2, 3, 4, 5], from: '09:00', to: '20:00' },
    { days: [6, 7], from: '10:00', to: '17:30' }], holidays: ['2027-01-01'] }, dispositions, progress, why_not: why });
const nothing = { leads: 0, new: 0, due_later: 0, dialing: 0, finished: 0, reached: 0, attempts: 0, answered: 0,
  no_answer: 0, busy: 0, failed: 0, abandoned: 0 };
const campaigns = [
  campaign(1, '演示', 'running', { leads: 200, new: 62, due_later: 41, dialing: 3, finished: 94, reached: 88, attempts: 171,
    answered: 92, no_answer: 41, busy: 19, failed: 15, abandoned: 1 },
    [{ rule: 'all_busy', text: 'all 6 agents at work are on a call or in wrap-up', clears_at: null }]),
  campaign(2, '老客户回访', 'paused', { ...nothing, leads: 1240, new: 1100, finished: 90, attempts: 190, answered: 80, reached: 75 }, []),
  campaign(3, '新品通知', 'draft', nothing, []),
];
const outcomes = ['answered', 'answered', 'no_answer', 'busy', 'invalid_number', 'answered', 'hung_up_early', 'unreachable'];
const attempts = Array.from({ length: 180 }, (_, i) => {
  const id = 1000 - i, created = ago(8 + i * 9 + random() * 6), outcome = i < 2 ? null : outcomes[Math.floor(random() * 8)];
  const rings = created + 900 + random() * 900, answered = rings + 2000 + random() * 11000;
  const talks = outcome === 'answered' || outcome === null;
  const ended = outcome === null ? null : (talks ? answered + 8000 + random() * 70000 : answered);
  return { id, campaign_id: 1, lead_id: 300 + i, number: `+8613800001${String(100 + i).slice(-3)}`, name: names[i % 10],
    created, claimed: created + 4, dialled: created + 9, ringing: outcome === 'invalid_number' ? null : rings,
    answered: talks ? answered : null, joined: talks ? answered + 38 : null, ended, cause: talks ? 'normal_clearing' : outcome === 'busy' ? 'user_busy' : 'no_answer',
    outcome, ended_by: i % 3 ? 'far' : 'peer', trunk_id: 1, caller_id: '+861062000000', agent_id: 1 + (i % 8),
    recording_id: talks ? id : null, disposition: talks && outcome ? '有意向' : null, disposition_category: null, note: i === 3 ? '下周二上午再联系' : null };
});
const calls = attempts.slice(0, 3).map((a, i) => ({ ...a, id: i + 1, attempt_id: a.id, kind: 'campaign', direction: 'out', line: 'town',
  called: a.number, caller: a.caller_id, phase: i === 2 ? 'alerting' : 'answered', ended: null, answered: i === 2 ? null : a.answered,
  joined: i === 2 ? null : a.joined, agent_name: names[i] }));
const audit = Array.from({ length: 30 }, (_, i) => ({ seq: i + 1, at: ago(60 * (30 - i)), kind: i % 2 ? 'session_opened' : 'attempt_ended', actor: i % 2 ? 'p1' : 'box', row: i,
  personal: i % 2 ? null : '+8613800001234', payload: { attempt: 1000 - i, cause: 'normal_clearing' } }));
const report = { batch_id: 5, rows: 120, accepted: 96, repaired: 11, duplicate: 6, dnc: 2, refused: 5, details_total: 24, details: [
  { row: 4, verdict: 'repaired', field: '电话', reason: 'separators, country_code', raw: '+86 138-0000-1004' },
  { row: 9, verdict: 'refused', field: '电话', reason: 'letters or signs that no number has', raw: '1380000abcd' },
  { row: 17, verdict: 'refused', field: '电话', reason: 'too few digits', raw: '138' },
  { row: 31, verdict: 'duplicate', field: '电话', reason: 'in the campaign already', raw: '13800001001' },
  { row: 40, verdict: 'do_not_call', field: '电话', reason: '', raw: '13800001999' },
  { row: 77, verdict: 'refused', field: '电话', reason: 'a spreadsheet has rounded it: format the column as text and export again', raw: '1.38E+10' }] };
const health = () => ({ status: 'ok', version: '0.1.0', box: 'demo', started, simulated: true, clock_sane: true,
  processes: ['switchd', 'centerd', 'town'].map((name, i) => ({ name, state: 'running', pid: 100 + i, restarts: i === 1 ? 1 : 0, since: started })),
  link: 'up', switch: null, database: { ok: true, writer_queue: 0 }, alarms: process.env.ALARM
    ? [{ id: 1, kind: 'disk', text: 'Only 400 MB left: recording has stopped. Delete old recordings.', since: started }] : [] });
const box = { name: 'demo', language: 'zh', country: 'CN', timezone: 'Asia/Shanghai', simulated: true,
  ports: { listen: '127.0.0.1', sip: 5060, console: 8080, rtp: '10000-10999' }, must_sign: [] };
const every = ['see', 'see_phones', 'edit_phones', 'see_trunks', 'edit_trunks', 'see_spans', 'edit_spans', 'see_numbers', 'edit_numbers', 'see_agents', 'edit_agents', 'seat', 'lead_agents',
  'see_campaigns', 'edit_campaigns', 'run_campaigns', 'see_leads', 'upload_leads', 'see_records', 'play', 'see_all', 'see_dnc', 'edit_dnc',
  'see_destinations', 'edit_destinations', 'audit', 'edit_persons', 'edit_tokens'];
const person = (name) => ({ id: 1, login: name, name: name === 'agent' ? '王小明' : 'Administrator', role: name === 'admin' ? 'operator' : name,
  tenant: { id: 1, name: 'Office' }, must_change_password: false, agent_id: name === 'agent' ? 1 : null, language: 'zh',
  rights: name === 'agent' ? ['see', 'see_agents', 'see_phones', 'see_campaigns', 'seat', 'see_records', 'play'] : every });
let me = null;

function wav() {
  const n = 8000 * 12, data = Buffer.alloc(44 + n * 4);
  data.write('RIFF', 0); data.writeUInt32LE(36 + n * 4, 4); data.write('WAVEfmt ', 8);
  data.writeUInt32LE(16, 16); data.writeUInt16LE(1, 20); data.writeUInt16LE(2, 22); data.writeUInt32LE(8000, 24);
  data.writeUInt32LE(32000, 28); data.writeUInt16LE(4, 32); data.writeUInt16LE(16, 34); data.write('data', 36); data.writeUInt32LE(n * 4, 40);
  for (let i = 0; i < n; i += 1) data.writeInt16LE(Math.round(6000 * Math.sin(i / 3)), 44 + i * 4);
  return data;
}

const lists = { phones, trunks, spans, numbers, agents, campaigns, attempts, calls, audit, alarms: [], persons: [person('admin'), person('leader')],
  dnc: [{ id: 1, number: '+8613800001999', reason: '客户要求', campaign_id: null, added: ago(9000) }] };

const server = createServer(async (request, response) => {
  const url = new URL(request.url, 'http://box');
  let body = ''; for await (const part of request) body += part;
  const send = (value, status = 200) => { response.writeHead(status, { 'Content-Type': 'application/json' }); response.end(JSON.stringify(value)); };
  if (!url.pathname.startsWith('/api/v1/')) {
    const file = dist + (url.pathname === '/' ? '/index.html' : url.pathname);
    try {
      const kind = { '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.html': 'text/html' }[extname(file)];
      const text = readFileSync(file); response.writeHead(200, { 'Content-Type': kind }); response.end(text);
    } catch { response.writeHead(404); response.end(); }
    return;
  }
  const [what, id, act] = url.pathname.slice(8).split('/');
  if (what === 'health') return send(health());
  if (what === 'login') { me = person(JSON.parse(body).name); return JSON.parse(body).password === 'wrong' ? send({ error: { code: 'wrong_login', message: 'Name or password is wrong: try again.' } }, 401) : send({ person: me }); }
  if (what === 'logout') { me = null; return send({}); }
  if (!me) return send({ error: { code: 'unauthorized', message: 'Sign in.' } }, 401);
  if (what === 'me') return send({ person: me });
  if (what === 'box') return send(box);
  if (what === 'destinations') return send({ premium: false, international: ['+852'] });
  if (what === 'recordings') {
    const data = wav(), range = /bytes=(\d+)-(\d*)/.exec(request.headers.range ?? '');
    const [from, to] = range ? [Number(range[1]), range[2] ? Number(range[2]) : data.length - 1] : [0, data.length - 1];
    response.writeHead(range ? 206 : 200, { 'Content-Type': 'audio/wav', 'Accept-Ranges': 'bytes', 'Content-Length': to - from + 1,
      ...(range ? { 'Content-Range': `bytes ${from}-${to}/${data.length}` } : {}) });
    return response.end(data.subarray(from, to + 1));
  }
  if (what === 'audit' && id === 'verify') return send({ ok: true, events: 30, erased: 0, broken: null });
  if (act === 'leads' && request.method === 'POST') return send(report);
  if (act === 'batches') return send({ items: [{ id: 4, file_name: 'list-november.csv', started: ago(86400), finished: ago(86390), ...report }], next: null });
  if (act === 'history') return send({ items: id === '3' ? [] : spanHistory.slice(Number(id) === 1 ? 1 : 0), next: null });
  if (act === 'trace') return send({ at: Date.now(), lines: traceLines });
  if (act === 'test') return send({ result: 'closed', errors_per_mille: 0, delay_ms: 20, at: Date.now() });
  const list = lists[what];
  if (!list) return send({ error: { code: 'not_found', message: 'no such thing' } }, 404);
  if (process.env.EMPTY && ['phones', 'trunks', 'spans', 'numbers', 'agents', 'campaigns', 'attempts', 'calls'].includes(what)) return send({ items: [], next: null });
  if (request.method === 'POST' && !id) { const made = { ...list[0], ...JSON.parse(body), id: list.length + 1, secret: 'k7Wq-92mX-pL4d' }; list.push(made); return send(made); }
  if (id) { const one = list.find((entry) => entry.id === Number(id)); return one ? send(one) : send({ error: { code: 'not_found', message: 'no such thing' } }, 404); }
  return send({ items: list.slice(0, Number(url.searchParams.get('limit') ?? 50)), next: null });
});
server.on('upgrade', (request, socket) => {
  const key = createHash('sha1').update(request.headers['sec-websocket-key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest('base64');
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${key}\r\n\r\n`);
  const push = (value) => {
    const text = Buffer.from(JSON.stringify(value));
    const head = text.length < 126 ? Buffer.from([0x81, text.length]) : Buffer.from([0x81, 126, text.length >> 8, text.length & 255]);
    socket.write(Buffer.concat([head, text]));
  };
  push({ topic: 'hello', at: Date.now() });
  socket.on('error', () => {});
});
server.listen(port, '127.0.0.1', () => console.log(`mock (development only): http://127.0.0.1:${port}`));
