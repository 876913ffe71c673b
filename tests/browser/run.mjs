// One day at the console, in headless Chromium, against the real box on the demo model:
// sign in, upload a list with bad rows, start a campaign, watch it talk, play a recording, have
// centerd killed behind the page, set phones and programs up, sit on a seat, change the language;
// every page is looked at in both languages, light and dark, wide and narrow, and by axe-core.
//
//   node run.mjs              prints "N passed, N failed"; exit code 1 if any failed
//   node run.mjs --picture    also writes docs/console.png
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { barriers } from './barriers.mjs';
import { Box } from './box.mjs';
import * as list from './list.mjs';
import { theInstaller, theReturn, theSeat } from './office.mjs';

const here = new URL('.', import.meta.url).pathname;
const shots = join(here, 'shots');
const picture = process.argv.includes('--picture');
const PASSWORD = 'browser test 2026';
const TALKS_MS = 240_000;

let [passed, failed] = [0, 0];

function check(what, so, seen = '') {
  if (so) passed += 1;
  else failed += 1;
  console.log(`${so ? 'ok  ' : 'FAIL'} ${what}${so || seen === '' ? '' : ` (seen: ${seen})`}`);
}

rmSync(shots, { recursive: true, force: true });
mkdirSync(shots, { recursive: true });

const box = await Box.start();
console.log(`box at ${box.url}`);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});

const faults = [];
const outside = [];

async function open(options = {}) {
  const view = await browser.newContext({
    viewport: { width: 1280, height: 800 }, locale: 'zh-CN', timezoneId: 'Asia/Shanghai', ...options,
  });
  const page = await view.newPage();
  page.setDefaultTimeout(30_000);
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('request', (request) => {
    if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(box.url)) outside.push(request.url());
  });
  return page;
}

const go = (page, hash) => page.goto(`${box.url}/#/${hash}`);
const count = async (place) => Number(await place.getAttribute('data-n'));

/** `anew`: from the first page; otherwise where the page stands. */
async function signIn(page, name, password, anew = true) {
  if (anew) await go(page, '');
  await page.locator('input[autocomplete=username]').first().fill(name);
  await page.locator('input[autocomplete=current-password]').fill(password);
  await page.locator('form button.first').click();
}

async function changePassword(page, old) {
  await page.locator('input[autocomplete=current-password]').fill(old);
  const fresh = page.locator('input[autocomplete=new-password]');
  await fresh.nth(0).fill(PASSWORD);
  await fresh.nth(1).fill(PASSWORD);
  await page.locator('form button.first').click();
}

/** Every page fits its width and keeps nobody out; the picture lies in shots/ for the eye. */
async function shoot(page, hashes, label) {
  for (const hash of hashes) {
    await go(page, hash);
    await page.locator('main h1').first().waitFor();
    // Pages go on asking now and then, so an idle moment is waited for, and not for ever.
    await page.waitForLoadState('networkidle', { timeout: 5000 }).catch(() => {});
    const name = `${label}-${hash.replace(/\W+/g, '-') || 'home'}`;
    await page.screenshot({ path: join(shots, `${name}.png`), fullPage: true });
    const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    check(`${name} fits its width`, over <= 0, `${over} px too wide`);
    const found = await barriers(page);
    check(`${name} has no barrier`, found.length === 0, found.join(' | '));
  }
}

async function theDay(page) {
  // Sign in, and change the password that was printed.
  await signIn(page, 'admin', 'certainly wrong');
  await page.locator('[data-test=problem]').waitFor();
  check('a wrong password is said', true);
  await signIn(page, 'admin', box.password);
  await page.getByText('这是一次性密码').waitFor();
  check('the printed password must be changed', true);
  await changePassword(page, box.password);
  await page.locator('main h1', { hasText: '总览' }).waitFor();
  check('the first page opens in Chinese', true);
  await page.locator('[data-test=simulated]').waitFor();
  check('the page says that the callers are simulated', true);

  // The demo's own campaign rests, so that its agents serve the one that is made here.
  await go(page, 'campaigns');
  const demo = page.locator('tbody tr', { hasText: '' }).first().locator('a').first();
  await demo.click();
  await page.locator('[data-test=pause]').click();
  await page.locator('[data-test=start]').waitFor();
  check('a campaign can be paused', true);

  // A number that must not be called.
  await go(page, 'dnc');
  await page.locator('form input').first().fill(list.BARRED);
  await page.locator('form button.first').click();
  await page.locator('tbody tr').first().waitFor();
  check('a number is on the do-not-call list', (await page.locator('tbody').innerText()).includes('138 0000 7099'));

  // A campaign with its list.
  await go(page, 'campaigns');
  await page.locator('[data-test=add]').click();
  await page.locator('dialog input').fill('浏览器测试');
  await page.locator('dialog button.first').click();
  await page.waitForURL(/#\/campaigns\/\d+\/list/);
  const id = Number(/campaigns\/(\d+)/.exec(page.url())[1]);
  await page.locator('[data-test=file]').setInputFiles({
    name: '名单.csv', mimeType: 'text/csv', buffer: Buffer.from(list.text) });
  const report = page.locator('[data-test=report]');
  await report.waitFor();
  const counts = {};
  for (const verdict of ['accepted', 'repaired', 'duplicate', 'do_not_call', 'refused']) {
    counts[verdict] = await count(report.locator(`[data-verdict=${verdict}]`));
  }
  const sum = Object.values(counts).reduce((a, b) => a + b, 0);
  const { expected } = list;
  check('the verdicts add up to the rows', sum === expected.rows, JSON.stringify(counts));
  check('good rows are taken', counts.accepted + counts.repaired === expected.taken, JSON.stringify(counts));
  check('a repair is told', counts.repaired >= 1, counts.repaired);
  for (const verdict of ['duplicate', 'do_not_call', 'refused']) {
    check(`${verdict} rows are counted`, counts[verdict] === expected[verdict], counts[verdict]);
  }
  await report.locator('[data-verdict=refused]').click();
  const bad = await report.locator('[data-test=bad-rows] tbody tr').allInnerTexts();
  check('only refused rows are listed on request', bad.length === expected.refused, bad.length);
  for (const { row, raw } of expected.bad) {
    const line = bad.find((text) => text.split(/\s+/)[0] === String(row)) ?? '';
    check(`row ${row} is named with field, reason and text`, /电话/.test(line) && line.includes(raw), line);
  }
  const [file] = await Promise.all([page.waitForEvent('download'), report.locator('[data-test=every-row]').click()]);
  check('the rows can be downloaded', file.suggestedFilename().endsWith('.csv'), file.suggestedFilename());
  await page.screenshot({ path: join(shots, 'report.png'), fullPage: true });
  const leads = page.locator('[data-test=leads]');
  await leads.locator('input').fill('13800007001');
  await leads.locator('form button').click();
  const one = leads.locator('tbody tr');
  await page.waitForFunction(() => document.querySelectorAll('[data-test=leads] tbody tr').length === 1);
  check('a customer is found in the list by the number', (await one.innerText()).includes('客户1'), await one.innerText());

  // Trunk, agents, hours; start.
  await go(page, `campaigns/${id}/settings`);
  await page.locator('[data-test=trunks] label', { hasText: /^\s*town\s/ }).locator('input').check();
  const agents = page.locator('[data-test=agents] input');
  await agents.first().waitFor();
  for (let at = 0; at < await agents.count(); at += 1) await agents.nth(at).check();
  check('three simulated agents are assigned', await agents.count() >= 3, await agents.count());
  const days = page.locator('.window').first();
  for (const day of await days.locator('button[aria-pressed=false]').all()) await day.click();
  while (await days.locator('button[aria-pressed=false]').count()) {
    await days.locator('button[aria-pressed=false]').first().click();
  }
  await days.locator('input').nth(0).fill('00:00');
  await days.locator('input').nth(1).fill('24:00');
  const more = page.locator('.window:nth-of-type(n) .danger');
  while (await more.count() > 1) await more.last().click();
  await page.locator('[data-test=save]').click();
  await page.locator('[role=status]', { hasText: '已保存' }).waitFor();
  check('the settings are saved', true);
  await go(page, `campaigns/${id}`);
  await page.locator('[data-test=start]').click();
  await page.locator('[data-test=campaign-state] [data-state=running]').waitFor();
  check('the campaign runs', true);

  // Live progress, without a reload of the page.
  const answered = page.locator('[data-count=answered]');
  const until = Date.now() + TALKS_MS;
  while (await count(answered) < 2 && Date.now() < until) await page.waitForTimeout(500);
  check('two talks are over and the page has seen it', await count(answered) >= 2,
    (await page.locator('main').innerText()).replace(/\s+/g, ' ').slice(0, 600));
  await page.screenshot({ path: join(shots, 'progress.png'), fullPage: true });

  // centerd dies and comes back; the page finds its way.
  const { processes } = await box.health();
  const centerd = processes.find((process) => process.name === 'centerd');
  process.kill(centerd.pid, 'SIGKILL');
  await page.locator('[data-test=broken]').waitFor();
  check('the page says that the connection is lost', true);
  await page.locator('[data-test=broken]').waitFor({ state: 'detached', timeout: 60_000 });
  const before = await count(answered);
  const later = Date.now() + TALKS_MS;
  while (await count(answered) <= before && Date.now() < later) await page.waitForTimeout(500);
  check('after the restart of centerd the page goes on by itself', await count(answered) > before, before);

  // The board of live calls says what the box says, and keeps no call that is over.
  await go(page, 'calls');
  const ofBox = () => page.evaluate(async () => {
    const { items } = await (await fetch('/api/v1/calls?live=true')).json();
    return items.filter((call) => call.kind === 'campaign').length;
  });
  let [shown, there] = [-1, -2];
  for (let tries = 0; tries < 60 && shown !== there; tries += 1) {
    await page.waitForTimeout(500);
    [shown, there] = [await page.locator('main tbody tr').count(), await ofBox()];
  }
  check('the live calls of the page are those of the box', shown === there, `${shown}, box ${there}`);

  await play(page, id);
  return id;
}

async function play(page, id) {
  await go(page, `records?campaign=${id}&outcome=answered`);
  const row = page.locator('[data-test=attempts] tr[data-ended=true]:not([data-recording=""])').last();
  await row.waitFor();
  check('the talk is in the records', true);
  const parts = [];
  page.on('response', (answer) => {
    if (answer.url().includes('/api/v1/recordings/')) parts.push(answer.status());
  });
  await row.locator('[data-test=open]').click();
  const audio = page.locator('[data-test=audio]');
  await audio.waitFor();
  await page.screenshot({ path: join(shots, 'player.png'), fullPage: true });
  const heard = await audio.evaluate(async (sound) => {
    const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
    for (let tries = 0; tries < 100 && !(sound.readyState >= 1); tries += 1) await wait(100);
    await sound.play();
    const from = sound.currentTime;
    await wait(1200);
    const ran = sound.currentTime - from;
    sound.pause();
    const middle = sound.duration / 2;
    const sought = new Promise((resolve) => sound.addEventListener('seeked', resolve, { once: true }));
    sound.currentTime = middle;
    await Promise.race([sought, wait(5000)]);
    for (let tries = 0; tries < 50 && sound.readyState < 2; tries += 1) await wait(100);
    return { ran, middle, at: sound.currentTime, ready: sound.readyState, length: sound.duration,
      seekable: sound.seekable.length ? sound.seekable.end(0) : 0, error: sound.error?.message ?? '' };
  }).catch((error) => ({ error: error.message }));
  const seen = JSON.stringify(heard);
  check('the recording plays', heard.ran > 0.5, seen);
  check('the recording can be sought to its middle',
    Math.abs(heard.at - heard.middle) < 0.2 && heard.ready >= 2 && heard.seekable >= heard.length - 0.1, seen);
  check('the box answers ranges', parts.includes(206), parts.join(' '));
  const [file] = await Promise.all([page.waitForEvent('download'), page.locator('[data-test=download]').click()]);
  check('the recording can be downloaded as WAV', file.suggestedFilename().endsWith('.wav'), file.suggestedFilename());
  const times = await page.locator('[data-test=times] dd').allInnerTexts();
  check('every time of the talk is there', times.length === 7 && times.every((text) => /\d\d:\d\d:\d\d\.\d{3}/.test(text)), times.join(' '));
}

/** The E1 of the town: the demo's own campaign dials over it. */
async function theSpan(page, id) {
  await go(page, `campaigns/${id}`);
  await page.locator('[data-test=pause]').click();
  await page.locator('[data-test=start]').waitFor();
  await go(page, 'campaigns/1');
  await page.locator('[data-test=start]').click();
  await page.locator('[data-test=campaign-state] [data-state=running]').waitFor();

  await go(page, 'spans');
  const span = page.locator('[data-test=span][data-state=up]');
  await span.waitFor();
  check('the span of the town is up, with thirty channels', await span.locator('[data-test=channel]').count() === 30);
  for (const state of ['ringing', 'talking']) {
    await span.locator(`[data-test=channel][data-state=${state}]`).first().waitFor({ timeout: TALKS_MS });
    check(`a channel is seen ${state}`, true);
  }
  const busy = span.locator('[data-test=channel][data-state=talking]').first();
  const says = await busy.getAttribute('aria-label').catch(() => '');
  check('a channel says in words who talks', says === '' || /通话.*→/.test(says), says);
  await page.screenshot({ path: join(shots, 'spans-busy.png'), fullPage: true });

  await span.locator('[data-test=trace]').click();
  const trace = page.locator('[data-test=trace-lines]');
  await page.waitForFunction(() => Number(document.querySelector('[data-test=trace-lines]')?.dataset.n) > 5);
  check('the trace tells messages of the D-channel', /SETUP|CONNECT|RELEASE/.test(await trace.innerText()));
  const told = await trace.innerText();
  await page.waitForFunction((before) => document.querySelector('[data-test=trace-lines]')?.innerText !== before, told);
  check('the trace goes on while it is open', true);
  await page.screenshot({ path: join(shots, 'spans-trace.png') });
  await page.keyboard.press('Escape');

  // The first channel is the last to be taken.
  const first = span.locator('[data-test=channel]').first();
  await first.click();
  const dialog = page.locator('[data-test=channel-dialog]');
  const tested = dialog.locator('[data-test=tested]');
  let result = 'not_now';
  // On a machine with much to do the span may miss its beat just then, and the box says so.
  for (let tries = 0; tries < 20 && result === 'not_now'; tries += 1) {
    await dialog.locator('[data-test=loop-test]').click();
    await dialog.locator('[data-test=loop-test]:enabled').waitFor();
    await tested.waitFor();
    result = await tested.getAttribute('data-result');
  }
  check('a loop test of an idle channel has a result', ['open', 'closed'].includes(result), result);
  await page.screenshot({ path: join(shots, 'spans-channel.png') });
  for (const state of ['blocked', 'idle']) {
    await dialog.locator('[data-test=block]').click();
    await dialog.locator('[data-test=sure]').click();
    await page.locator(`[data-test=channel][data-slot="1"][data-state=${state}]`).waitFor();
    check(`a channel can be made ${state}`, true);
  }
  await page.keyboard.press('Escape');

  // Numbers: a wrong range is named, a right one is there.
  await go(page, 'numbers');
  await page.locator('[data-test=add]').click();
  const form = page.locator('[data-test=form]');
  await form.locator('select').first().selectOption({ label: 'town-e1' });
  await form.locator('input').first().fill('+861063000029-0000');
  await form.locator('button.first').click();
  const wrong = form.locator('.wrong');
  await wrong.waitFor();
  check('a wrong range is named with its field and value', /号段.*\+861063000029-0000/s.test(await wrong.innerText()), await wrong.innerText());
  await page.screenshot({ path: join(shots, 'numbers-wrong.png') });
  await form.locator('input').first().fill('+861063000000-0029');
  await form.locator('button.first').click();
  const row = page.locator('[data-test=register] tr', { hasText: '+861063000000-0029' });
  await row.waitFor();
  check('a range of thirty numbers is there', (await row.innerText()).includes('30'));

  await go(page, 'campaigns/1');
  await page.locator('[data-test=pause]').click();
  await page.locator('[data-test=start]').waitFor();
  await go(page, `campaigns/${id}`);
  await page.locator('[data-test=start]').click();
  await page.locator('[data-test=campaign-state] [data-state=running]').waitFor();
  await go(page, `records?campaign=${id}`);
}

async function theEvening(page, id) {
  await page.locator('[data-test=account]').click();
  await page.locator('.panel button[lang=en]').click();
  await page.locator('main h1', { hasText: 'Records' }).waitFor();
  check('the language changes at once', (await page.locator('html').getAttribute('lang')) === 'en');
  await go(page, 'audit');
  await page.locator('[data-test=verify]').click();
  await page.locator('[data-test=verdict].good').waitFor({ timeout: 30_000 });
  check('the chain of events is whole', true);

  const pages = ['', 'agents', 'campaigns', `campaigns/${id}`, `campaigns/${id}/list`, `campaigns/${id}/settings`,
    'calls', 'records', 'phones', 'trunks', 'spans', 'numbers', 'dnc', 'persons', 'destinations', 'tenants', 'tokens', 'audit', 'records/inbound', 'password'];
  await shoot(page, pages, 'en-1280');
  if (picture) {
    await go(page, `campaigns/${id}`);
    await page.setViewportSize({ width: 1280, height: 1000 });
    const attempts = page.locator('[data-test=attempts] tbody tr');
    for (let tries = 0; tries < 120 && await attempts.count() < 8; tries += 1) await page.waitForTimeout(1000);
    mkdirSync(join(here, '../../docs'), { recursive: true });
    await page.screenshot({ path: join(here, '../../docs/console.png') });
  }
  await page.setViewportSize({ width: 360, height: 740 });
  await page.emulateMedia({ colorScheme: 'dark' });
  await shoot(page, pages, 'en-360-dark');
  await page.emulateMedia({ colorScheme: 'light' });
  await page.evaluate(() => localStorage.setItem('linebox.language', 'zh'));
  await page.reload();
  await shoot(page, ['', `campaigns/${id}`, 'records', 'spans', 'numbers'], 'zh-360');
  await page.setViewportSize({ width: 1280, height: 800 });
  await shoot(page, pages, 'zh-1280');
}

/** An agent of one's own sees the seat and nothing of others. */
async function theAgent(page) {
  await go(page, 'agents');
  await page.locator('[data-test=add]').click();
  const dialog = page.locator('dialog');
  await dialog.locator('input').nth(0).fill('899');
  await dialog.locator('input').nth(1).fill('赵六');
  await dialog.locator('input').nth(2).fill('4899');
  await dialog.locator('input[type=checkbox]').check();
  await dialog.locator('input').nth(4).fill('zhao');
  await dialog.locator('input[type=password]').fill('first password 1');
  await dialog.locator('button.first').click();
  await page.locator('[data-test=board] tr', { hasText: '899' }).waitFor();
  check('an agent with a console account is added', true);

  const own = await open();
  await signIn(own, 'zhao', 'first password 1');
  await own.getByText('这是一次性密码').waitFor();
  await changePassword(own, 'first password 1');
  await own.locator('[data-test=my-state]').waitFor();
  const menu = (await own.locator('nav#menu a').allInnerTexts()).map((text) => text.trim());
  check('an agent has the seat and the own records alone', menu.join(' ') === '我的坐席 通话记录', menu.join(' '));
  await own.screenshot({ path: join(shots, 'seat.png') });
  await own.locator('[data-test=account]').click();
  await own.locator('[data-test=sign-out]').click();
  await own.locator('input[autocomplete=current-password]').waitFor();
  check('signing out leads back to the first page', true);
}

try {
  const page = await open();
  try {
    const id = await theDay(page);
    await theSpan(page, id);
    const office = { page, box, go, check, open, signIn, changePassword, shots, password: PASSWORD, talksMs: TALKS_MS };
    await theSeat(office);
    await theInstaller(office);
    await theReturn(office);
    await theEvening(page, id);
    await theAgent(page);
  } catch (error) {
    check('the day goes to its end', false, error.message);
    await page.screenshot({ path: join(shots, 'failure.png'), fullPage: true }).catch(() => {});
    writeFileSync(join(shots, 'box.log'), box.output);
    console.log(box.tail());
  }
  check('no page has thrown', faults.length === 0, faults.join(' | '));
  check('no page has asked anything from outside', outside.length === 0, outside.join(' '));
} finally {
  await browser.close();
  const code = await box.stop();
  check('Ctrl-C stops the box with exit code 0', code === 0, `${code}\n${box.tail(15)}`);
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
