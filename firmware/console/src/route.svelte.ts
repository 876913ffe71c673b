// Where the page is: `#/campaigns/3/list?x=1`.

let hash = $state(location.hash);
addEventListener('hashchange', () => (hash = location.hash));

const parsed = $derived.by(() => {
  const [path = '', search = ''] = hash.replace(/^#\/?/, '').split('?', 2);
  return { parts: path.split('/').filter(Boolean), query: new URLSearchParams(search) };
});

export const route = {
  /** The first word of the path: which page. */
  get page(): string {
    return parsed.parts[0] ?? '';
  },
  /** What follows it. */
  part(index: number): string | null {
    return parsed.parts[index] ?? null;
  },
  get query(): URLSearchParams {
    return parsed.query;
  },
};

export function go(to: string): void {
  location.hash = to;
}
