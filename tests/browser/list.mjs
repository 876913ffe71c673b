// A list with rows of every kind, and what has to become of them.

const HEADER = '姓名,电话,城市';
/** On the do-not-call list before the upload. */
export const BARRED = '13800007099';

const people = Array.from({ length: 24 }, (_, i) => `客户${i + 1},1380000${7001 + i},上海`);
const repaired = ['李四,+86 138-0000-7041,北京', '王五,1380000 7042,广州'];
const refused = ['坏一,1380000abcd,深圳', '坏二,138,深圳', '坏三,,深圳'];
const duplicate = ['客户一又来,13800007001,上海'];
const barred = [`不要打,${BARRED},杭州`];

const rows = [...people, ...repaired, ...refused, ...duplicate, ...barred];
export const text = `\ufeff${HEADER}\r\n${rows.join('\r\n')}\r\n`;

export const expected = {
  rows: rows.length,
  taken: people.length + repaired.length,
  refused: refused.length,
  duplicate: duplicate.length,
  do_not_call: barred.length,
  /** Row numbers, from 1 without the header, of the refused rows, and something of their text. */
  bad: refused.map((row, at) => ({ row: people.length + repaired.length + at + 1, raw: row.split(',')[0] })),
};
