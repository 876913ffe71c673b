// The one way from a page to the box: JSON in, JSON out, and one kind of refusal.

import type { List } from './types';

/** The box said no, or said nothing (`status` 0). `message` says what happened and what to do. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly field: string | null = null,
    readonly row: number | null = null,
    readonly retryAfterMs: number | null = null,
  ) {
    super(message);
  }
}

const BASE = '/api/v1';
/** How long a page waits for an answer before it says that the box does not answer. */
const PATIENCE_MS = 20_000;

type Watcher = (refusal: Refusal) => void;
let watcher: Watcher = () => {};

/** Called on every refusal, before the page sees it: the session ends where it has to. */
export function watchRefusals(watch: Watcher): void {
  watcher = watch;
}

function refused(status: number, text: string): Refusal {
  const refusal = read(status, text);
  watcher(refusal);
  return refusal;
}

function read(status: number, text: string): Refusal {
  try {
    const error = (JSON.parse(text) as { error: Record<string, unknown> }).error;
    const number = (value: unknown) => (typeof value === 'number' ? value : null);
    return new Refusal(
      status,
      String(error.code ?? `http_${status}`),
      String(error.message ?? ''),
      typeof error.field === 'string' ? error.field : null,
      number(error.row),
      number(error.retry_after_ms),
    );
  } catch {
    return new Refusal(status, `http_${status}`, text.slice(0, 300));
  }
}

async function send(method: string, path: string, body?: unknown, accept = 'application/json') {
  const headers: Record<string, string> = { Accept: accept };
  if (method !== 'GET') headers['X-Linebox'] = '1';
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  let response: Response;
  let text: string;
  try {
    response = await fetch(BASE + path, {
      method,
      headers,
      credentials: 'same-origin',
      body: body === undefined ? null : JSON.stringify(body),
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    text = await response.text();
  } catch {
    throw refused(0, '{"error":{"code":"unreachable"}}');
  }
  if (!response.ok) throw refused(response.status, text);
  return text;
}

async function json<T>(method: string, path: string, body?: unknown): Promise<T> {
  const text = await send(method, path, body);
  return (text ? JSON.parse(text) : null) as T;
}

export const get = <T>(path: string) => json<T>('GET', path);
export const post = <T = unknown>(path: string, body: unknown = {}) => json<T>('POST', path, body);
export const put = <T = unknown>(path: string, body: unknown) => json<T>('PUT', path, body);
export const remove = (path: string) => json<unknown>('DELETE', path);
export const csv = (path: string) => send('GET', path, undefined, 'text/csv');

/** `{a: 1, b: null}` as `?a=1`; what is empty is left out. */
export function query(fields: Record<string, string | number | boolean | null | undefined>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) {
    if (value !== null && value !== undefined && value !== '') search.set(name, String(value));
  }
  const text = search.toString();
  return text ? `?${text}` : '';
}

/** Every item of a list, up to `pages` pages; a list that is longer is cut there. */
export async function all<T>(path: string, pages = 5): Promise<T[]> {
  const items: T[] = [];
  let after: string | null = null;
  for (let page = 0; page < pages; page += 1) {
    const join: string = path.includes('?') ? '&' : '?';
    const cursor = after === null ? '' : `&after=${encodeURIComponent(after)}`;
    const list: List<T> = await get<List<T>>(`${path}${join}limit=200${cursor}`);
    items.push(...list.items);
    after = list.next;
    if (after === null) break;
  }
  return items;
}

/** Sends a file and tells how many bytes have left; the answer comes when the box has read it. */
export function upload<T>(path: string, file: File, sent: (bytes: number) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', BASE + path);
    request.setRequestHeader('X-Linebox', '1');
    request.setRequestHeader('Content-Type', 'text/csv');
    request.setRequestHeader('Accept', 'application/json');
    request.upload.onprogress = (event) => sent(event.loaded);
    request.onerror = () => reject(refused(0, '{"error":{"code":"unreachable"}}'));
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) resolve(JSON.parse(request.responseText));
      else reject(refused(request.status, request.responseText));
    };
    request.send(file);
  });
}

/** Hands text to the browser as a file to keep. */
export function save(name: string, type: string, text: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
