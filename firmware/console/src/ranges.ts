// Many numbers as few words: `+861063000000-0029`, as the box writes and reads them.

const value = (number: string) => Number(number.replace('+', ''));

function write(first: string, last: string): string {
  if (first === last) return first;
  let same = 0;
  while (first[same] === last[same]) same += 1;
  const from = Math.max(Math.min(same, last.length - 4), last.startsWith('+') ? 1 : 0);
  return `${first}-${last.slice(from)}`;
}

/** Numbers that follow each other as one range. */
export function ranges(numbers: string[]): string[] {
  const made: string[] = [];
  let first: string | null = null;
  let last = '';
  for (const number of numbers) {
    const follows = first !== null && number.length === last.length && value(number) === value(last) + 1;
    if (first !== null && !follows) made.push(write(first, last));
    if (!follows) first = number;
    last = number;
  }
  if (first !== null) made.push(write(first, last));
  return made;
}

/** `1-15, 17-31`: time slots in few words. */
export function slots(all: number[]): string {
  const sorted = [...all].sort((a, b) => a - b);
  const made: string[] = [];
  for (let at = 0; at < sorted.length; at += 1) {
    const from = sorted[at];
    while (sorted[at + 1] === (sorted[at] ?? 0) + 1) at += 1;
    made.push(from === sorted[at] ? `${from}` : `${from}-${sorted[at]}`);
  }
  return made.join(', ');
}

/** What a person has written, part by part. */
export const parts = (text: string): string[] => text.split(/[\s,;，；、]+/).filter(Boolean);
