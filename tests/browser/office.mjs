// What an office does besides dialling: set phones, trunks and programs up, read the audit, sign in
// again, sit on a seat.
import { join } from 'node:path';
import { barriers } from './barriers.mjs';

const CHINESE = /[\u4e00-\u9fff]/;
/** A talk of the town lasts a few seconds; an act in it is tried in the next one when it was late. */
const TALKS_MAX = 20;
const ACT_MS = 4000;

/** Phones, trunks, programs: what is refused is said in the reader's language, what is shown once can be taken. */
export async function theInstaller({ page, box, go, check, shots }) {
  const form = page.locator('[data-test=form]');
  const wrong = form.locator('.wrong').first();
  const send = () => form.locator('[data-test=sure]').click();

  await go(page, 'phones');
  await page.locator('[data-test=add]').first().click();
  await form.locator('input').nth(0).fill('zwei Worte');
  await send();
  await wrong.waitFor();
  check('a wrong account is refused in Chinese, at its field', CHINESE.test(await wrong.innerText()), await wrong.innerText());
  const tied = await form.locator('input').nth(0).evaluate((input) =>
    input.getAttribute('aria-invalid') === 'true' && input.getAttribute('aria-describedby').split(' ')
      .every((id) => document.getElementById(id)));
  check('what is wrong is tied to the field for whoever listens', tied);
  await form.locator('input').nth(0).fill('8777');
  await send();
  const secret = page.locator('[data-test=secret]');
  await secret.waitFor();
  check('a new phone shows its password', (await secret.innerText()).length >= 12);
  await page.locator('[data-test=copy]').click();
  await page.locator('dialog [role=status]', { hasText: '已复制' }).waitFor();
  check('the password can be copied', true);
  const found = await barriers(page);
  check('the dialogue of a new phone has no barrier', found.length === 0, found.join(' | '));
  await page.locator('dialog button.first').click();

  await go(page, 'trunks');
  await page.locator('[data-test=add]').first().click();
  await form.locator('input').first().fill('provider');
  await form.getByLabel('运营商地址').fill('sip.example.com');
  await send();
  await wrong.waitFor();
  check('a name instead of an address is refused in Chinese', CHINESE.test(await wrong.innerText()), await wrong.innerText());
  await page.screenshot({ path: join(shots, 'trunk-wrong.png') });
  await page.keyboard.press('Escape');

  // A list of numbers that must not be called, with rows that are none.
  await go(page, 'dnc');
  await page.locator('input[type=file]').setInputFiles({ name: 'no.csv', mimeType: 'text/csv',
    buffer: Buffer.from('13800008801\n13\n13800008801\n') });
  const report = page.locator('[data-test=report]');
  await report.waitFor();
  const reasons = await report.locator('tbody tr').allInnerTexts();
  check('refused and repeated numbers are listed with a Chinese reason',
    reasons.length === 2 && /位数太少/.test(reasons[0]) && /第 1 行/.test(reasons[1]), reasons.join(' | '));

  await go(page, 'tokens');
  await page.locator('[data-test=add]').first().click();
  await form.locator('input').first().fill('crm');
  await send();
  await secret.waitFor();
  const token = await secret.innerText();
  await page.locator('dialog button.first').click();
  const ask = async (method, path) => (await fetch(`${box.url}/api/v1${path}`, {
    method, headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(method === 'POST' ? { body: '{"user":"8778"}' } : {}),
  })).status;
  check('a program reads with its token', await ask('GET', '/campaigns') === 200);
  check('a token that reads alone changes nothing', await ask('POST', '/phones') === 403);
  await page.locator('tr', { hasText: 'crm' }).locator('.danger').click();
  await send();
  await page.locator('tr', { hasText: 'crm' }).locator('[data-state=revoked]').waitFor();
  check('a token that is taken back opens nothing', await ask('GET', '/campaigns') === 401);

  await go(page, 'audit');
  const events = page.locator('[data-test=events] tbody tr');
  await events.first().waitFor();
  const [first] = await events.allInnerTexts();
  check('the audit begins with what was done last, and by whom', /令牌已收回/.test(first) && /admin/.test(first), first);
}

/** A session that ends in mid-work says so, and leads back. */
export async function theReturn({ page, go, check, signIn, password }) {
  await go(page, 'records');
  await page.locator('form[role=search]').waitFor();
  await page.context().clearCookies();
  await page.locator('form[role=search] button.first').click();
  await page.locator('[data-test=ended]').waitFor();
  check('a session that ended says so', true);
  await signIn(page, 'admin', password, false);
  await page.locator('main h1', { hasText: '通话记录' }).waitFor();
  check('after signing in again the page is the one before', true);
}

/** A simulated agent gets an account of their own, and the keyboard does the rest. */
export async function theSeat({ page, go, check, open, signIn, changePassword, shots, talksMs }) {
  // The demo's list is long enough for everybody.
  await go(page, 'campaigns/1');
  await page.locator('[data-test=start]').click();
  await page.locator('[data-test=pause]').waitFor();
  await go(page, 'agents');
  const first = page.locator('[data-test=board] tr').filter({ has: page.locator('td.title', { hasText: '801' }) });
  await first.getByRole('button', { name: '编辑' }).click();
  const form = page.locator('[data-test=form]');
  await form.locator('input[type=checkbox]').check();
  await form.locator('input').nth(4).fill('seat801');
  await form.locator('input[type=password]').fill('first password 1');
  await form.locator('[data-test=sure]').click();
  await form.waitFor({ state: 'detached' });

  const own = await open();
  await signIn(own, 'seat801', 'first password 1');
  await own.getByText('这是一次性密码').waitFor();
  await changePassword(own, 'first password 1');
  const state = (name) => own.locator(`[data-test=my-state].${name}`);
  /** Tries it in one talk after the other, until it was done in time. */
  async function inATalk(act) {
    for (let talk = 0; talk < TALKS_MAX; talk += 1) {
      await state('talking').waitFor({ timeout: talksMs });
      if (await act().then(() => true, () => false)) return true;
      await state('talking').waitFor({ state: 'detached', timeout: talksMs });
    }
    return false;
  }
  check('O holds the customer, and O talks again', await inATalk(async () => {
    await own.keyboard.press('o');
    await state('holding').waitFor({ timeout: ACT_MS });
    await own.screenshot({ path: join(shots, 'seat-holding.png') });
    await own.keyboard.press('o');
    await state('talking').waitFor({ timeout: ACT_MS });
  }));
  const note = '下周再打';
  check('a note and a key give the disposition', await inATalk(async () => {
    await own.locator('#note').fill(note, { timeout: ACT_MS });
    await own.keyboard.press('Escape');
    await own.keyboard.press('2');
    await own.locator('.choices button[aria-pressed=true]', { hasText: '已联系' }).waitFor({ timeout: ACT_MS });
  }));
  check('H hangs up', await inATalk(async () => {
    await own.keyboard.press('h');
    await state('talking').waitFor({ state: 'detached', timeout: ACT_MS });
  }));
  await own.keyboard.press('p');
  await own.locator('dialog .choices button').first().click();
  await state('paused').waitFor();
  check('P pauses, with a reason', (await state('paused').innerText()).includes('小休'), await state('paused').innerText());
  const found = await barriers(own);
  check('the seat has no barrier', found.length === 0, found.join(' | '));
  await own.keyboard.press('r');
  await state('paused').waitFor({ state: 'detached' });
  check('R is ready again', true);
  const notes = await page.evaluate(async () =>
    (await (await fetch('/api/v1/attempts?limit=200')).json()).items.map((one) => one.note));
  check('the note is in the records', notes.includes(note), notes.join(' '));
  await own.context().close();
  await go(page, 'campaigns/1');
  await page.locator('[data-test=pause]').click();
  await page.locator('[data-test=start]').waitFor();
}
