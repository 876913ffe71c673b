// The two dictionaries have one key set, the same {placeholders}, and no empty word; every key that
// the sources name exists, and every key is named by a source (alone or as one of a family).
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const root = new URL('../src/', import.meta.url).pathname;
const wrong = [];

/** @param {string} language @returns {Record<string, string>} */
function dictionary(language) {
  const text = readFileSync(join(root, 'words', `${language}.json`), 'utf8');
  const keys = [...text.matchAll(/^\s*"([^"]+)":/gm)].map((m) => m[1]);
  const twice = keys.filter((key, at) => keys.indexOf(key) !== at);
  for (const key of twice) wrong.push(`${language}.json says ${key} twice`);
  return JSON.parse(text);
}

/** @param {string} text */
const holes = (text) => [...text.matchAll(/\{(\w+)\}/g)].map((m) => m[1]).sort().join(' ');

const zh = dictionary('zh');
const en = dictionary('en');
for (const key of new Set([...Object.keys(zh), ...Object.keys(en)])) {
  const [a, b] = [zh[key], en[key]];
  if (a === undefined) wrong.push(`zh.json lacks ${key}`);
  else if (b === undefined) wrong.push(`en.json lacks ${key}`);
  else if (!a.trim() || !b.trim()) wrong.push(`${key} is empty`);
  else if (holes(a) !== holes(b)) wrong.push(`${key} has other {placeholders} in zh than in en`);
}

/** @param {string} folder @returns {string[]} */
function sources(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sources(path);
    return /\.(ts|svelte)$/.test(entry.name) ? [path] : [];
  });
}

const named = new Set();
const families = new Set();
for (const path of sources(root)) {
  const text = readFileSync(path, 'utf8');
  for (const [, key] of text.matchAll(/['"`]([a-z_]+\.[a-z0-9_.]+)['"`]/g)) named.add(key);
  for (const [, family] of text.matchAll(/\bword\(\s*['"]([a-z_]+)['"]/g)) families.add(family);
  for (const [, family] of text.matchAll(/\bfamily="([a-z_]+)"/g)) families.add(family);
  for (const [, key = ''] of text.matchAll(/\bt\(\s*['"]([^'"]+)['"]/g)) {
    if (!(key in en)) wrong.push(`${path.slice(root.length)} names ${key}, which no dictionary has`);
  }
}
for (const key of Object.keys(en)) {
  if (!named.has(key) && !families.has(key.slice(0, key.indexOf('.')))) {
    wrong.push(`${key} is named by no source`);
  }
}

if (wrong.length) {
  console.error(wrong.map((line) => `words: ${line}`).join('\n'));
  process.exit(1);
}
console.log(`words: ${Object.keys(en).length} keys, the same in zh and en`);
