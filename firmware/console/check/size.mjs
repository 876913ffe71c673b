// Packs every file once, for centerd to embed beside it, and holds what a browser fetches before it
// can draw the first page against the promise.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

const FIRST_PAGE_BYTES_MAX = 100_000;
const dist = new URL('../dist/', import.meta.url).pathname;

/** @param {string} path */
function packed(path) {
  const small = gzipSync(readFileSync(path), { level: 9 });
  writeFileSync(`${path}.gz`, small);
  return small.length;
}
packed(join(dist, 'icon.svg'));
const index = readFileSync(join(dist, 'index.html'), 'utf8');
const assets = readdirSync(join(dist, 'assets'));

// What index.html names, the larger dictionary, and the heaviest page.
const entry = new Set(['index.html', ...[...index.matchAll(/"\/(assets\/[^"]+)"/g)].map((m) => m[1] ?? '')]);
const total = assets.reduce((sum, file) => sum + packed(join(dist, 'assets', file)), 0);
const first = [...entry].reduce((sum, file) => sum + packed(join(dist, file)), 0);
const words = Math.max(
  ...assets.filter((f) => /^(zh|en)-/.test(f)).map((f) => packed(join(dist, 'assets', f))),
);
const page = Math.max(
  ...assets.filter((f) => f.endsWith('.js') && !entry.has(`assets/${f}`) && !/^(zh|en)-/.test(f))
    .map((f) => packed(join(dist, 'assets', f))),
);
const outside = assets.filter((file) =>
  /\.(js|css)$/.test(file) &&
  /(?:src=|import\(|url\(|from)\s*["'`]?https?:/.test(readFileSync(join(dist, 'assets', file), 'utf8')));

const sum = first + words + page;
console.log(`size: first page ${sum} bytes gzip (start ${first}, dictionary ${words}, heaviest page ${page}), ` +
  `everything ${total} bytes in ${assets.length} files`);
if (sum > FIRST_PAGE_BYTES_MAX) {
  console.error(`size: the first page is above ${FIRST_PAGE_BYTES_MAX} bytes`);
  process.exit(1);
}
if (outside.length) {
  console.error(`size: these files fetch from outside: ${outside.join(', ')}`);
  process.exit(1);
}
